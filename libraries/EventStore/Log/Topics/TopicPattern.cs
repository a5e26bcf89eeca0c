using System.Buffers;

namespace AspireSse;

/// <summary>The grammar of topics: dot-separated tokens of <c>[A-Za-z0-9_-]</c>, such as <c>orders.42.status</c>. In a
/// pattern, <c>*</c> stands for one token and a final <c>&gt;</c> for one or more, as in NATS.</summary>
/// <remarks>Needed to check a topic or pattern that comes from a request, and to match topics with patterns.</remarks>
public static class TopicPattern
{
    public const int MaxLength = 256;

    /// <summary>Maximum tokens of a topic or pattern: each costs a step whenever an event is matched.</summary>
    public const int MaxDepth = 32;

    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    );

    public static bool IsTopic(string? text) => IsValid(text, wildcards: false);

    public static bool IsTopicOrPattern(string? text) => IsValid(text, wildcards: true);

    /// <summary>Returns true for exactly one token of a topic, which has no dot and is no wildcard.</summary>
    public static bool IsToken(ReadOnlySpan<char> text) =>
        text.Length is > 0 and <= MaxLength && !text.ContainsAnyExcept(TokenCharacters);

    /// <summary>Returns true if a valid topic or pattern has a wildcard.</summary>
    public static bool IsPattern(string text) => text.AsSpan().ContainsAny('*', '>');

    /// <summary>Returns true if a topic matches a pattern, or equals it. For two patterns: true if the first one
    /// matches every topic that the second one matches.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> topic)
    {
        while (true)
        {
            if (pattern is ">")
                return topic.Length > 0;

            var token = Cut(ref pattern, out var morePattern);
            var actual = Cut(ref topic, out var moreTopic);
            if (actual is ">" || (token is not "*" && !token.SequenceEqual(actual)))
                return false;
            if (!morePattern || !moreTopic)
                return morePattern == moreTopic;
        }
    }

    private static bool IsValid(string? text, bool wildcards)
    {
        if (text is null or "" || text.Length > MaxLength)
            return false;
        for (ReadOnlySpan<char> rest = text; ; )
        {
            var token = Cut(ref rest, out var more);
            var wildcard = wildcards && (token is "*" || (token is ">" && !more));
            if (!wildcard && (token.IsEmpty || token.ContainsAnyExcept(TokenCharacters)))
                return false;
            if (!more)
                return true;
        }
    }

    private static ReadOnlySpan<char> Cut(ref ReadOnlySpan<char> rest, out bool more)
    {
        var dot = rest.IndexOf('.');
        more = dot >= 0;
        var token = more ? rest[..dot] : rest;
        rest = more ? rest[(dot + 1)..] : [];
        return token;
    }
}
