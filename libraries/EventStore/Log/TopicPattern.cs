using System.Buffers;

namespace EventStore;

/// <summary>
/// Topics are dot-separated tokens of <c>[A-Za-z0-9_-]</c>, e.g. <c>orders.42.status</c>; patterns take <c>*</c> for
/// one token and a
/// final <c>&gt;</c> for one token or more (NATS subjects).
/// </summary>
public static class TopicPattern
{
    /// <summary>The longest topic or pattern, in characters.</summary>
    public const int MaxLength = 256;

    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    );

    /// <summary>Whether this is a topic that an event can have.</summary>
    public static bool IsTopic(string? text) => IsValid(text, wildcards: false);

    /// <summary>Whether this is a topic or a pattern that one can subscribe to.</summary>
    public static bool IsTopicOrPattern(string? text) => IsValid(text, wildcards: true);

    /// <summary>Whether a valid subscription has a wildcard.</summary>
    public static bool IsPattern(string text) => text.AsSpan().ContainsAny('*', '>');

    /// <summary>
    /// Whether <paramref name="topic"/> is, or matches, <paramref name="pattern"/>; where it is a pattern itself,
    /// whether all that it stands
    /// for does. Both must be valid.
    /// </summary>
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
