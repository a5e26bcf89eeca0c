namespace AspireSse;

/// <summary>Begin and end of a stream of the log, if not as streams usually do.</summary>
public sealed record StreamBounds
{
    /// <summary>The place where a client without a valid last event id begins: the stream shows what follows. Null
    /// for the head.</summary>
    /// <remarks>One that the log does not have, as after the restore of a backup, gets a resync, as a client's id
    /// would.</remarks>
    public StreamPosition? After { get; init; }

    /// <summary>The reason of a resync for a client whose last id is the application's own, such as an ordinal, and
    /// cannot be resumed; the stream goes on after <see cref="After"/>. Null if there is none.</summary>
    public ResyncReason? Resync { get; init; }

    /// <summary>Types of events that end the stream.</summary>
    public IReadOnlyList<string> Ends { get; init; } = [];

    /// <summary>The position through which events of those types end nothing.</summary>
    public long EndsAfter { get; init; } = -1;

    /// <summary>Begins the work that the stream shows; called once there is a place for the stream. Null if there
    /// is none to begin.</summary>
    public Func<Task>? Begin { get; init; }
}
