namespace AspireSse;

/// <summary>The beginning and the end of a stream of the log, if they are not the usual ones.</summary>
/// <remarks>Needed by a stream that starts at a stored position, ends at an event of some type, or begins work for its
/// client.</remarks>
public sealed record StreamBounds
{
    /// <summary>The place where a client without a valid last event id begins: the stream shows what follows. Null
    /// for the head.</summary>
    /// <remarks>A place that the log does not have, as after the restore of a backup, leads to a resync, as a client's
    /// id would.</remarks>
    public StreamPosition? After { get; init; }

    /// <summary>The reason of a resync for a client that cannot resume after its last id, which is the application's
    /// own, such as an ordinal. The stream continues after <see cref="After"/>; without a resync the reason is
    /// null.</summary>
    public ResyncReason? Resync { get; init; }

    /// <summary>Types of events that end the stream.</summary>
    public IReadOnlyList<string> Ends { get; init; } = [];

    /// <summary>The place through which events of the types in <see cref="Ends"/> do not end the stream, or null if
    /// each ends it. An event of another epoch ends it.</summary>
    public StreamPosition? EndsAfter { get; init; }

    /// <summary>Begins the work that the stream shows, as soon as the stream has its place. Null if there is no work to
    /// begin.</summary>
    public Func<Task>? Begin { get; init; }
}
