namespace EventStore;

/// <summary>First tokens of topics, by which a stream server skips, unread, a page that no reader needs.</summary>
internal static class FirstTokens
{
    /// <summary>Maximum tokens that a page names. With more, every replica reads the page, because look-ups would cost
    /// as much.</summary>
    public const int Most = 32;

    public static string Of(string topic) => topic.IndexOf('.') is var dot && dot < 0 ? topic : topic[..dot];

    /// <summary>Returns the first tokens of the topics, or null if there are more than <see cref="Most"/>.</summary>
    public static IReadOnlyList<string>? Of(IReadOnlyList<EventRecord> events)
    {
        var tokens = new HashSet<string>(StringComparer.Ordinal);
        foreach (var record in events)
            if (tokens.Add(Of(record.Topic)) && tokens.Count > Most)
                return null;

        return [.. tokens];
    }

    /// <summary>Returns the first tokens that events for these topics can have, or null if they can have any.</summary>
    public static IReadOnlyList<string>? Of(IReadOnlyCollection<string> topics)
    {
        var tokens = topics.Select(Of).Distinct(StringComparer.Ordinal).ToList();
        return tokens.Count == 0 || tokens.Exists(TopicPattern.IsPattern) ? null : tokens;
    }
}
