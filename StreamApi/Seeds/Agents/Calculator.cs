using System.ComponentModel;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.XPath;
using Microsoft.Extensions.AI;

namespace StreamApi.Seeds.Agents;

/// <summary>The tool of this system's agents. It evaluates arithmetic: + - * / % and parentheses, also × and
/// ÷.</summary>
internal static partial class Calculator
{
    private const int MaxLength = 500;

    public static readonly AIFunction Tool = AIFunctionFactory.Create(
        ([Description("Of + - * / and parentheses, for example (12 + 8) * 3")] string expression) =>
            Evaluate(expression),
        "calculate",
        "Evaluates an arithmetic expression."
    );

    /// <exception cref="FormatException">The expression is invalid, or its result is not finite.</exception>
    public static double Evaluate(string expression)
    {
        if (expression.Length > MaxLength)
            throw new FormatException($"An expression has at most {MaxLength} characters.");
        // XPath has more than arithmetic, such as functions, which are letters.
        if (Other().Match(expression) is { Success: true } other)
            throw new FormatException($"Unexpected '{other.Value}' at position {other.Index + 1}.");

        var xpath = expression
            .Replace('−', '-')
            .Replace('×', '*')
            .Replace('÷', '/')
            .Replace("/", " div ", StringComparison.Ordinal)
            .Replace("%", " mod ", StringComparison.Ordinal);
        try
        {
            var nothing = new XPathDocument(XmlReader.Create(new StringReader("<_/>"))).CreateNavigator();
            return nothing.Evaluate(xpath) is double result && double.IsFinite(result)
                ? result
                : throw new FormatException("The result is not a finite number.");
        }
        catch (XPathException e)
        {
            throw new FormatException("The expression is incomplete, or is not one of + - * / % and parentheses.", e);
        }
    }

    [GeneratedRegex(@"[^0-9.+\-−*×/÷%()\s]")]
    private static partial Regex Other();
}
