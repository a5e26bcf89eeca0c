namespace EventStore;

/// <summary>
/// The first tokens of topics, by which a stream server knows, without reading a page of the relay, that none of its
/// readers needs it.
/// </summary>
public static class FirstTokens
{
    /// <summary>Most tokens that a page names. A page of more topics is read by everyone: to look them all up would
    /// cost about as much.</summary>
    public const int Most = 32;

    /// <summary>Returns the first token of a topic or pattern.</summary>
    public static string Of(string topic) => topic.IndexOf('.') is var dot && dot < 0 ? topic : topic[..dot];

    /// <summary>Returns the first tokens of the events' topics, each once; null if there are more than
    /// <see cref="Most"/>.</summary>
    public static IReadOnlyList<string>? Of(IReadOnlyList<EventRecord> events)
    {
        var tokens = new HashSet<string>(StringComparer.Ordinal);
        foreach (var e in events)
            if (tokens.Add(Of(e.Topic)) && tokens.Count > Most)
                return null;

        return [.. tokens];
    }

    /// <summary>Returns the first tokens that an event for these topics and patterns can have; null if it can have
    /// any, because a pattern begins with a wildcard or there is no topic.</summary>
    public static IReadOnlyList<string>? Of(IReadOnlyCollection<string> topics)
    {
        var tokens = topics.Select(Of).Distinct(StringComparer.Ordinal).ToList();
        return tokens.Count == 0 || tokens.Exists(TopicPattern.IsPattern) ? null : tokens;
    }
}
