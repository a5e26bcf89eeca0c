using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Analyzers;

/// <summary>Reports strings that become topics without a check of their tokens: holes are checked to be one token each
/// only if the interpolated string itself is given as the topic.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class TopicStringAnalyzer : DiagnosticAnalyzer
{
    public const string UncheckedId = "SSE0001",
        NoTopicId = "SSE0002";

    private static readonly DiagnosticDescriptor Unchecked = new(
        UncheckedId,
        "A topic is made of a string whose tokens are not checked",
        "The values in this string may be any number of tokens: give the interpolated string itself, such as "
            + "$\"orders.{id}.paid\", whose holes are one token each",
        "Security",
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true
    );

    private static readonly DiagnosticDescriptor NoTopic = new(
        NoTopicId,
        "A string with a wildcard is not taken as a topic",
        "'{0}' is no topic, so its stream answers 404: a pattern is asked for with EventTopic.Pattern(…)",
        "Usage",
        DiagnosticSeverity.Warning,
        isEnabledByDefault: true
    );

    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => [Unchecked, NoTopic];

    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterCompilationStartAction(start =>
        {
            if (start.Compilation.GetTypeByMetadataName("AspireSse.EventTopic") is not { } topic)
                return;

            start.RegisterOperationAction(found => Conversion(found, topic), OperationKind.Conversion);
            start.RegisterOperationAction(found => Spread(found, topic), OperationKind.Spread);
            start.RegisterOperationAction(found => Loop(found, topic), OperationKind.Loop);
            start.RegisterOperationAction(found => Tuple(found, topic), OperationKind.DeconstructionAssignment);
            start.RegisterOperationAction(found => Pattern(found, topic), OperationKind.Invocation);
            start.RegisterOperationAction(found => Group(found, topic), OperationKind.MethodReference);
        });
    }

    private static void Conversion(OperationAnalysisContext context, INamedTypeSymbol topic)
    {
        var conversion = (IConversionOperation)context.Operation;
        if (!IsOf(conversion.OperatorMethod, topic))
        {
            if (conversion.Operand is not ITupleOperation && HasTopicOfString(conversion, topic))
                Report(context, conversion.Operand.Syntax);
            return;
        }

        foreach (var text in TextsOf(conversion.Operand))
            if (text.ConstantValue is { HasValue: true, Value: string constant } && !IsTopic(constant))
                context.ReportDiagnostic(Diagnostic.Create(NoTopic, text.Syntax.GetLocation(), constant));
            // An explicit cast says that its author knows the string.
            else if (!text.ConstantValue.HasValue && (conversion.IsImplicit || BuiltStrings.IsBuilt(text)))
                Report(context, text.Syntax);
    }

    /// <summary>Returns true if a tuple with a string is converted to a tuple with a topic in the string's
    /// place.</summary>
    private static bool HasTopicOfString(IConversionOperation conversion, INamedTypeSymbol topic) =>
        conversion is { Type: INamedTypeSymbol { IsTupleType: true } to, Operand.Type: INamedTypeSymbol from }
        && from.IsTupleType
        && to.TupleElements.Zip(from.TupleElements, (wanted, given) => (wanted, given))
            .Any(pair => Is(pair.wanted.Type, topic) && pair.given.Type.SpecialType == SpecialType.System_String);

    private static void Spread(OperationAnalysisContext context, INamedTypeSymbol topic)
    {
        var spread = (ISpreadOperation)context.Operation;
        if (IsOf(spread.ElementConversion.MethodSymbol, topic))
            Report(context, spread.Operand.Syntax);
    }

    private static void Loop(OperationAnalysisContext context, INamedTypeSymbol topic)
    {
        if (
            context.Operation
                is IForEachLoopOperation { SemanticModel: { } model, Syntax: CommonForEachStatementSyntax loop }
            && (
                IsOf(model.GetForEachStatementInfo(loop).ElementConversion.MethodSymbol, topic)
                || (loop is ForEachVariableStatementSyntax each && IsOf(model.GetDeconstructionInfo(each), topic))
            )
        )
            Report(context, loop.Expression);
    }

    private static void Tuple(OperationAnalysisContext context, INamedTypeSymbol topic)
    {
        if (
            context.Operation is { SemanticModel: { } model, Syntax: AssignmentExpressionSyntax assignment }
            && IsOf(model.GetDeconstructionInfo(assignment), topic)
        )
            Report(context, assignment.Right);
    }

    /// <summary>Reports a call of <c>Pattern</c> with a string that is not constant. Only a suppression with its reason
    /// shows that somebody has thought of the string's values.</summary>
    private static void Pattern(OperationAnalysisContext context, INamedTypeSymbol topic)
    {
        var call = (IInvocationOperation)context.Operation;
        if (call.TargetMethod is { Name: "Pattern" } method && IsOf(method, topic) && call.Arguments.Length == 1)
            foreach (var text in TextsOf(call.Arguments[0].Value).Where(text => !text.ConstantValue.HasValue))
                Report(context, text.Syntax);
    }

    private static void Group(OperationAnalysisContext context, INamedTypeSymbol topic)
    {
        if (((IMethodReferenceOperation)context.Operation).Method is { Name: "Pattern" } method && IsOf(method, topic))
            Report(context, context.Operation.Syntax);
    }

    private static void Report(OperationAnalysisContext context, SyntaxNode text) =>
        context.ReportDiagnostic(Diagnostic.Create(Unchecked, text.GetLocation()));

    private static bool Is(ISymbol? type, INamedTypeSymbol topic) => SymbolEqualityComparer.Default.Equals(type, topic);

    private static bool IsOf(DeconstructionInfo parts, INamedTypeSymbol topic) =>
        IsOf(parts.Conversion?.MethodSymbol, topic) || parts.Nested.Any(part => IsOf(part, topic));

    private static bool IsOf(IMethodSymbol? method, INamedTypeSymbol topic) =>
        Is(method?.ContainingType, topic)
        && method!.Parameters.Length == 1
        && method.Parameters[0].Type.SpecialType == SpecialType.System_String;

    /// <summary>Returns the strings among which the operation chooses, or the operation itself.</summary>
    private static IEnumerable<IOperation> TextsOf(IOperation operation) =>
        operation switch
        {
            IConditionalOperation { WhenFalse: { } otherwise } choice => TextsOf(choice.WhenTrue)
                .Concat(TextsOf(otherwise)),
            ICoalesceOperation choice => TextsOf(choice.Value).Concat(TextsOf(choice.WhenNull)),
            ISwitchExpressionOperation choice => choice.Arms.SelectMany(arm => TextsOf(arm.Value)),
            IParenthesizedOperation inner => TextsOf(inner.Operand),
            _ => [operation],
        };

    /// <summary>Returns true for dot-separated tokens of <c>[A-Za-z0-9_-]</c>, as TopicPattern.IsTopic does.</summary>
    private static bool IsTopic(string text) =>
        text.Length <= 256
        && text.Split('.')
            .All(token =>
                token.Length > 0
                && token.All(c => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '_' or '-')
            );
}
