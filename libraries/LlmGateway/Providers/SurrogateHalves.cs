using System.Text.RegularExpressions;

namespace LlmGateway.Providers;

/// <summary>
/// Joins surrogate pairs that a provider cuts between two events; only JSON escapes can hold a half. A half without the
/// other becomes U+FFFD.
/// <code>
/// {"content":"a\ud83d"}  {"content":"\ude00b"}
/// {"content":"a"}        {"content":"\ud83d\ude00b"}
/// </code>
/// </summary>
internal sealed partial class SurrogateHalves
{
    private string _high = "";

    /// <summary>Returns the JSON of the next event without half pairs. Most events have no escapes.</summary>
    public string Join(string json) =>
        json.Contains("\\ud", StringComparison.OrdinalIgnoreCase) ? Escapes().Replace(json, Whole) : json;

    private string Whole(Match match)
    {
        var text = match.Value;

        if (match.Groups["high"].Success)
        {
            // The second half can only be the first character of another text.
            _high = text;
            return "";
        }

        if (match.Groups["low"].Success && _high.Length > 0)
        {
            text = _high + text;
            _high = "";
            return text;
        }

        return text.Length == 6 ? "\\ufffd" : text;
    }

    // In this order: an escaped backslash, a pair, the last and the first character of a text, any other half.
    [GeneratedRegex(
        """
            \\\\
            |\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}
            |(?<high>\\u[dD][89abAB][0-9a-fA-F]{2})(?=")
            |(?<=(?<!\\)")(?<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})
            |\\u[dD][89a-fA-F][0-9a-fA-F]{2}
            """,
        RegexOptions.IgnorePatternWhitespace
    )]
    private static partial Regex Escapes();
}
