namespace EventStore;

/// <summary>
/// The events that a reader wants. An event must match one element of each list; an empty list matches every event.
/// </summary>
/// <param name="Topics">Topics or patterns (<see cref="TopicPattern"/>).</param>
/// <param name="Types">Event types.</param>
/// <param name="Keys">Event keys.</param>
public sealed record EventFilter(IReadOnlyList<string> Topics, IReadOnlyList<string> Types, IReadOnlyList<string> Keys)
{
    /// <summary>Every event.</summary>
    public static EventFilter All { get; } = new([], [], []);

    /// <summary>True if every event matches.</summary>
    public bool IsAll => (Topics.Count == 0 || Topics.Contains(">")) && Types.Count == 0 && Keys.Count == 0;
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
