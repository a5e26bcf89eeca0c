using EventStore;
using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>
/// One open stream: a cursor in a filter log and an output. Its state belongs to its writer loop, except where noted.
/// </summary>
internal sealed class StreamConnection(
    string id,
    FilterLog log,
    FilterLogs logs,
    StreamOutput output,
    StreamClient client
) : OpenStream(id, client)
{
    public FilterLog Log => log;
    public StreamOutput Output => output;

    /// <summary>The stream's loop, and its index in the loop's group.</summary>
    public WriterLoop? Loop;
    public int GroupIndex = -1;

    /// <summary>Position through which every matching event has been written.</summary>
    public long Position;

    /// <summary>The epoch that <see cref="Position"/> belongs to.</summary>
    public string Epoch = "";

    /// <summary>Position of the last id sent to the client, in the same epoch.</summary>
    public long IdSent;

    /// <summary>Position of the last event sent to the client, or of its start, in the same epoch.</summary>
    public long EventSent;

    /// <summary>Sequence number of the next frame; -1 if it must be sought by position.</summary>
    public long Sequence = -1;

    /// <summary>
    /// Bytes to write first, framed for the output: response head, reconnection time, first frame, a resync.
    /// </summary>
    public byte[]? Opening;

    /// <summary>Null while the connection is fed from memory.</summary>
    public CatchUp? CatchUp;

    /// <summary>True while events of a range that was announced as skipped are still to be sent.</summary>
    public bool SkipsUnread => CatchUp?.SkippedThrough > Position;

    /// <summary>
    /// Times of the last write, of the last write taken, and of the last id sent, in
    /// <see cref="ElapsedTime.Milliseconds"/>.
    /// </summary>
    public long WrittenAt,
        TakenAt,
        IdSentAt;

    /// <summary>Time of the connect in UTC ticks, by the clock that stamps the events.</summary>
    public long ReceivedAt;

    public SlowReader Slow { get; init; }

    /// <summary>
    /// True if the stream has a beginning and an end in the log, so that it cannot continue from another head.
    /// </summary>
    public bool IsFinite { get; init; }

    public ReaderPace Pace = ReaderPace.Behind;

    /// <summary>Time of the first write that the client did not take at once, on the same clock; valid while it is
    /// <see cref="ReaderPace.Slow"/>.</summary>
    public long SlowSince;

    /// <summary>Reason to end the stream as soon as the output has taken its last write.</summary>
    public EndReason? Ending;

    /// <summary>Time at which the stream reaches its maximum age, on the same clock.</summary>
    public long ExpiresAt = long.MaxValue;

    /// <summary>True once the client has been notified that its right to read ends soon.</summary>
    public bool RenewSent;

    public StreamId StreamPosition => new(Epoch, Position);

    /// <summary>The source of the next events.</summary>
    public EventSource Source =>
        CatchUp?.Page is not null ? EventSource.Page
        : CatchUp?.Asked is not null ? EventSource.AwaitedPage
        : Sequence < 0 ? EventSource.Unknown
        : EventSource.Memory;

    public bool IsBehind => Source != EventSource.Memory;

    public override IReadOnlyList<string> Topics => log.Filter.Events.Topics;
    public override string State =>
        output.Busy ? "slow"
        : IsBehind ? "catching-up"
        : "live";
    public override long Lag =>
        !IsBehind && Volatile.Read(ref Sequence) >= log.Next
            ? 0
            : Math.Max(0, logs.Settled - Volatile.Read(ref Position));

    /// <summary>Called on the loop's thread when the stream has ended.</summary>
    public Action? OnEnd;

    private volatile object? _stop;

    public override void Stop(EndReason reason)
    {
        _stop ??= reason;
        Loop?.End(this, reason);
    }

    /// <summary>End requested before the stream had a loop.</summary>
    public EndReason? StopRequested => _stop as EndReason?;

    public override void Finish(EndReason reason)
    {
        if (End is not null)
            return;
        base.Finish(reason);
        OnEnd?.Invoke();
    }
}

/// <summary>How a client has taken its events.</summary>
internal enum ReaderPace
{
    /// <summary>It has not had every event yet, because it was away.</summary>
    Behind,

    /// <summary>It has taken each event at once. If it lags nevertheless, its ring lacks an event that only the store
    /// has.</summary>
    KeepsUp,

    /// <summary>It did not take a write at once, and has not had every event since.</summary>
    Slow,
}

/// <summary>The source of a stream's next events.</summary>
internal enum EventSource
{
    /// <summary>The position must be sought in the filter log first.</summary>
    Unknown,

    /// <summary>The filter log in memory.</summary>
    Memory,

    /// <summary>A page requested from the store.</summary>
    AwaitedPage,

    /// <summary>A page from the store.</summary>
    Page,
}
