namespace EventStore;

/// <summary>One committed event. Immutable; shared by every reader of a replica.</summary>
/// <param name="Position">Its place in the log; later events have greater positions, in commit order.</param>
/// <param name="Id">The publisher's id, or one made at append.</param>
/// <param name="Topic">Dot-separated tokens, e.g. <c>orders.42.status</c>.</param>
/// <param name="Type">The SSE event name of its frames.</param>
/// <param name="Key">What <c>slow=latest</c> keeps the newest of; null where the publisher gave none.</param>
/// <param name="Data">One compact line of JSON, UTF-8. Empty where it was left out because of its size: it is in the
/// log.</param>
/// <param name="Time">When the batch was appended, by Postgres's clock (UTC).</param>
/// <param name="TraceParent">W3C trace context of the publish; null where it was not traced.</param>
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
/// <param name="Topic">Dot-separated tokens of <c>[A-Za-z0-9_-]</c>; checked by the caller.</param>
/// <param name="Type">The SSE event name; no CR or LF.</param>
/// <param name="Data">One compact line of JSON.</param>
/// <param name="Key">Optional key.</param>
/// <param name="Id">A publisher's id makes the append idempotent for 24 h; null gets a fresh id.</param>
/// <param name="TraceParent">W3C trace context that travels with the event.</param>
/// <param name="Run">Set for an event of a run, whose topic is <paramref name="Topic"/>: it is refused once the run is
/// no longer the
/// writer's. Such an event may bring its id, but that makes no retry idempotent.</param>
public sealed record NewEvent(
    string Topic,
    string Type,
    string Data,
    string? Key = null,
    Guid? Id = null,
    string? TraceParent = null,
    RunMark? Run = null
);

/// <summary>Who writes an event of a run, and whether the run ends with it.</summary>
/// <param name="Writer">The process's row in <c>eventstore.run_writers</c>.</param>
/// <param name="Ends">Nothing can follow this event.</param>
public sealed record RunMark(Guid Writer, bool Ends = false);

/// <summary>What an append returns for each event: its id and where it stands.</summary>
public readonly record struct AppendedEvent(Guid Id, StreamId At);

/// <summary>A publisher's id was used before, within 24 h, for other content. Nothing of the request was
/// appended.</summary>
public sealed class EventConflictException(IReadOnlyList<Guid> ids)
    : Exception($"The id {string.Join(", ", ids)} was used before for an event with other content.")
{
    /// <summary>The ids of the refused request that its publisher chose.</summary>
    public IReadOnlyList<Guid> Ids { get; } = ids;
}

/// <summary>The run has ended already, or its writer lost the lease and another ended it. Nothing of the request was
/// appended.</summary>
public sealed class RunFencedException(string run) : Exception($"The run {run} is not this writer's any more.");
