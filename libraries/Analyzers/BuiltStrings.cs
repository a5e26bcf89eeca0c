using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Analyzers;

/// <summary>Finds how a string is put together, and writes it as an interpolated string.</summary>
internal static class BuiltStrings
{
    /// <summary>Returns true if the expression puts a string together, or names a variable whose first value
    /// does.</summary>
    public static bool IsBuilt(IOperation text) => ExpressionOf(text) is { } made && IsBuilt(made);

    /// <summary>Returns the expression that makes the string, which for a variable is its first value.</summary>
    public static ExpressionSyntax? ExpressionOf(IOperation text) =>
        text is ILocalReferenceOperation { Local.DeclaringSyntaxReferences: { Length: 1 } declared }
            ? (declared[0].GetSyntax() as VariableDeclaratorSyntax)?.Initializer?.Value is { } first
                ? Bare(first)
                : null
            : text.Syntax is ExpressionSyntax expression
                ? Bare(expression)
                : null;

    /// <summary>Returns the expression as an interpolated string, or null if it cannot be written as one.</summary>
    public static ExpressionSyntax? InterpolatedOf(ExpressionSyntax made) =>
        Bare(made) switch
        {
            InterpolatedStringExpressionSyntax interpolated => interpolated.WithoutTrivia(),
            BinaryExpressionSyntax sum when sum.IsKind(SyntaxKind.AddExpression) => OfSum(sum),
            _ => null,
        };

    private static bool IsBuilt(ExpressionSyntax made) =>
        made switch
        {
            InterpolatedStringExpressionSyntax => true,
            BinaryExpressionSyntax sum => sum.IsKind(SyntaxKind.AddExpression),
            InvocationExpressionSyntax
            {
                Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: var name } call
            } => name is "Format" or "Concat" or "Join" && call.Expression.ToString() is "string" or "String",
            _ => false,
        };

    private static ExpressionSyntax Bare(ExpressionSyntax expression) =>
        expression switch
        {
            ParenthesizedExpressionSyntax inner => Bare(inner.Expression),
            CastExpressionSyntax cast => Bare(cast.Expression),
            _ => expression,
        };

    private static ExpressionSyntax? OfSum(BinaryExpressionSyntax sum)
    {
        var parts = new List<string>();
        for (ExpressionSyntax rest = sum; ; )
        {
            var (left, last) = rest is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } more
                ? (more.Left, more.Right)
                : (null, rest);

            // A hole can hold these expressions, but not every other one.
            if (last is LiteralExpressionSyntax { Token.Value: string text })
                parts.Add(SymbolDisplay.FormatLiteral(text, quote: false).Replace("{", "{{").Replace("}", "}}"));
            else if (last is IdentifierNameSyntax or MemberAccessExpressionSyntax or InvocationExpressionSyntax)
                parts.Add("{" + last.WithoutTrivia() + "}");
            else
                return null;

            if (left is null)
                break;
            rest = left;
        }

        parts.Reverse();
        return SyntaxFactory.ParseExpression("$\"" + string.Concat(parts) + "\"");
    }
}
