namespace EventStore;

/// <summary>
/// The events that a reader wants. An event must match one element of each list; an empty list matches every event.
/// Immutable.
/// </summary>
/// <param name="topics">Topics or patterns (<see cref="TopicPattern"/>).</param>
/// <param name="types">Event types.</param>
/// <param name="keys">Event keys.</param>
public sealed class EventFilter(IReadOnlyList<string> topics, IReadOnlyList<string> types, IReadOnlyList<string> keys)
{
    private readonly HashSet<string>? _types = types.Count == 0 ? null : [.. types];
    private readonly HashSet<string>? _keys = keys.Count == 0 ? null : [.. keys];

    // Only reads of the log need it; most filters of streams are never replayed.
    private TopicPatternSet? _patterns;

    /// <summary>Every event.</summary>
    public static EventFilter All { get; } = new([], [], []);

    /// <summary>Topics or patterns; empty: all.</summary>
    public IReadOnlyList<string> Topics => topics;

    /// <summary>Event types; empty: all.</summary>
    public IReadOnlyList<string> Types => types;

    /// <summary>Event keys; empty: all, also events without one.</summary>
    public IReadOnlyList<string> Keys => keys;

    /// <summary>True if every event matches.</summary>
    public bool IsAll => HasAllTopics && HasAllOfATopic;

    /// <summary>True if the topic of every event matches.</summary>
    internal bool HasAllTopics { get; } = topics.Count == 0 || topics.Contains(">");

    /// <summary>True if every event of a matching topic matches.</summary>
    internal bool HasAllOfATopic => _types is null && _keys is null;

    /// <summary>Returns true if a topic matches.</summary>
    public bool MatchesTopic(string topic) =>
        HasAllTopics || (_patterns ??= new TopicPatternSet(topics)).Matches(topic);

    /// <summary>Returns true if an event of a matching topic matches.</summary>
    /// <param name="type">The event's type.</param>
    /// <param name="key">The event's key; null without one.</param>
    public bool Passes(string type, string? key) =>
        _types?.Contains(type) != false && (_keys is null || (key is not null && _keys.Contains(key)));
}

/// <summary>A page of a reader's events.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Head">The newest position, in the same snapshot as the events.</param>
/// <param name="DroppedThrough">Retention has dropped every position up to here, so a reader before it has missed
/// events; 0 if none.</param>
/// <param name="Events">Matching events in position order.</param>
/// <param name="Through">The page has every matching event after the asked position and up to here.</param>
/// <param name="IsSearch">True if the read took far more rows than it found events, and has more of the log to
/// search.</param>
public sealed record EventPage(
    string Epoch,
    long Head,
    long DroppedThrough,
    IReadOnlyList<EventRecord> Events,
    long Through,
    bool IsSearch = false
)
{
    /// <summary>The position to read the next page after. A head before the reader's position means another history
    /// (reset, restore), which has another epoch.</summary>
    public long Next => Math.Min(Through, Head);
}

/// <summary>Events that a reader did not get.</summary>
/// <param name="From">Position of the first one.</param>
/// <param name="To">Position of the last one.</param>
/// <param name="Count">Their number.</param>
public sealed record SkippedRange(long From, long To, long Count);

/// <summary>The newest event of each key in a part of the log, if they fit into a page.</summary>
/// <param name="Page">The events. If it ends before <paramref name="Through"/>, the next page has more of the
/// part.</param>
/// <param name="Skipped">Events of the part that have a newer one in it; null without any.</param>
/// <param name="Through">The end of the part.</param>
public sealed record NewestPage(EventPage Page, SkippedRange? Skipped, long Through);
