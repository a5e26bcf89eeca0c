using System.Globalization;

namespace LoadTests.Llm;

/// <summary>
/// The fake upstream's text: short tokens that carry their sequence, so that coalesced text still shows its tokens.
/// <code>17:tunnel 18:列車 19:🚂 </code>
/// </summary>
internal static class TokenText
{
    private static readonly string[] Words =
    [
        "a",
        "train",
        "enters",
        "the",
        "tunnel",
        "and",
        "naïve",
        "readers",
        "列車",
        "トンネル",
        "🚂",
        "return",
        "\"token\"",
        "\\",
        "by",
        "token",
    ];

    public static string Of(long sequence) =>
        string.Create(CultureInfo.InvariantCulture, $"{sequence}:{Words[sequence % Words.Length]} ");

    /// <summary>Takes the next token off the text.</summary>
    /// <returns>Its sequence, or 0 for text that the upstream never sent.</returns>
    public static long Next(ref ReadOnlySpan<char> text)
    {
        var end = text.IndexOf(' ') is >= 0 and var space ? space + 1 : text.Length;
        var token = text[..end];
        var colon = token.IndexOf(':');

        text = text[end..];
        return
            colon > 0
            && long.TryParse(token[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
            && token.SequenceEqual(Of(sequence))
            ? sequence
            : 0;
    }
}
