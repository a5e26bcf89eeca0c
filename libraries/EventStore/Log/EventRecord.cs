namespace EventStore;

/// <summary>A committed event. Immutable; all readers of a replica share it.</summary>
/// <param name="Position">Its place in the log. Positions grow in commit order and may have gaps.</param>
/// <param name="Id">The publisher's id, or one made when it was appended.</param>
/// <param name="Topic">Dot-separated tokens, e.g. <c>orders.42.status</c>.</param>
/// <param name="Type">The SSE event name of its frames.</param>
/// <param name="Key">A key: <c>slow=latest</c> keeps the newest event per key. Null without one.</param>
/// <param name="Data">One compact line of JSON, UTF-8. Empty if it was left out because of its size; the log has
/// it.</param>
/// <param name="Time">When its batch was appended, by Postgres's clock (UTC).</param>
/// <param name="TraceParent">W3C trace context of the publish; null without one.</param>
public sealed record EventRecord(
    long Position,
    Guid Id,
    string Topic,
    string Type,
    string? Key,
    ReadOnlyMemory<byte> Data,
    DateTimeOffset Time,
    string? TraceParent
);

/// <summary>An event to append.</summary>
/// <param name="Topic">Dot-separated tokens of <c>[A-Za-z0-9_-]</c>, at most 256 characters. Checked by the caller
/// (<see cref="TopicPattern.IsTopic"/>).</param>
/// <param name="Type">The SSE event name, without CR and LF.</param>
/// <param name="Data">One compact line of JSON. Checked by the caller.</param>
/// <param name="Key">A key; null without one.</param>
/// <param name="Id">The publisher's id, which makes the append idempotent for 24 h; null for a new id.</param>
/// <param name="TraceParent">W3C trace context that travels with the event.</param>
/// <param name="Run">The writer of an event of a run, whose topic is <paramref name="Topic"/>: the event is refused
/// once the run is no longer this writer's. The id of such an event makes no retry idempotent.</param>
public sealed record NewEvent(
    string Topic,
    string Type,
    string Data,
    string? Key = null,
    Guid? Id = null,
    string? TraceParent = null,
    RunMark? Run = null
);

/// <summary>The writer of an event of a run.</summary>
/// <param name="Writer">The process's lease (<see cref="RunWriters"/>).</param>
/// <param name="Ends">True if the run ends with this event; no event can follow it.</param>
public sealed record RunMark(Guid Writer, bool Ends = false);

/// <summary>An event after its append.</summary>
/// <param name="Id">The publisher's id, or the one that it was given.</param>
/// <param name="At">Its place in the log. A retry gets the place of the first append.</param>
public readonly record struct AppendedEvent(Guid Id, StreamId At);

/// <summary>An id was used for other content within the last 24 h. Nothing of the request was appended.</summary>
public sealed class EventConflictException(IReadOnlyList<Guid> ids)
    : Exception($"The id {string.Join(", ", ids)} was used for an event with other content. Use a new id.")
{
    /// <summary>The publisher's ids in the refused request; at least one of them was used before.</summary>
    public IReadOnlyList<Guid> Ids { get; } = ids;
}

/// <summary>The run has ended, or its writer lost its lease and another process ended it. Nothing of the request was
/// appended.</summary>
public sealed class RunFencedException(string run) : Exception($"The run {run} no longer belongs to this writer.");
