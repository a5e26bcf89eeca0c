namespace EventStore;

/// <summary>
/// Which events a reader wants. Lists are alternatives, an empty list means any; what is named in several lists must
/// match all of them.
/// </summary>
/// <param name="Topics">Topics or patterns: <c>*</c> stands for one token, a final <c>&gt;</c> for one or more, as in
/// NATS.</param>
/// <param name="Types">Event types.</param>
/// <param name="Keys">Event keys.</param>
public sealed record EventFilter(IReadOnlyList<string> Topics, IReadOnlyList<string> Types, IReadOnlyList<string> Keys)
{
    /// <summary>Every event.</summary>
    public static EventFilter All { get; } = new([], [], []);

    /// <summary>Tells if nothing is left out.</summary>
    public bool IsAll => (Topics.Count == 0 || Topics.Contains(">")) && Types.Count == 0 && Keys.Count == 0;
}

/// <summary>A part of the log.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Head">The newest position when the page was read, from the same snapshot as the events.</param>
/// <param name="DroppedThrough">Retention has dropped everything up to here: who stands before it has missed something.
/// 0 where nothing was.</param>
/// <param name="Events">Matching events in position order.</param>
/// <param name="Through">Every matching event up to here is in the page (or was before it).</param>
public sealed record EventPage(
    string Epoch,
    long Head,
    long DroppedThrough,
    IReadOnlyList<EventRecord> Events,
    long Through
)
{
    /// <summary>The position to read on after. A head behind its reader means another history (reset, restore), told by
    /// the epoch.</summary>
    public long Next => Math.Min(Through, Head);
}

/// <summary>Events that a reader is not given: the first and last position, and how many.</summary>
public sealed record SkippedRange(long From, long To, long Count);

/// <summary>The newest event of each key in a part of the log, or the first of them that fit into a page.</summary>
/// <param name="Page">The events. Where it ends before <paramref name="Through"/>, more of the part follows.</param>
/// <param name="Skipped">Events of the part that have a newer one in it; null: none.</param>
/// <param name="Through">The end of the part.</param>
public sealed record NewestPage(EventPage Page, SkippedRange? Skipped, long Through);
