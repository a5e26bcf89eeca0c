using EventStore;
using Streaming.Fanout;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>
/// One open stream: a cursor in a filter log and an output. All its state belongs to its writer loop, but for what is
/// said to be safe.
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

    /// <summary>Its loop and its place in the loop's group.</summary>
    public WriterLoop? Loop;
    public int GroupIndex = -1;

    /// <summary>Every matching event up to here has been written.</summary>
    public long Position;

    /// <summary>The epoch that <see cref="Position"/> belongs to.</summary>
    public string Epoch = "";

    /// <summary>The next frame in the filter log; -1 where it must be sought by position.</summary>
    public long Sequence = -1;

    /// <summary>Written before anything else, framed for the output: response head, reconnection time, first frame, a
    /// resync.</summary>
    public byte[]? Opening;

    /// <summary>A page from the store that is being written, and how far; the wait for another, null where none was
    /// asked for.</summary>
    public ReplayPage? Page;
    public int PageIndex;

    /// <summary>How many events the next page is to have; whether a page was taken from it because its peer did not
    /// read.</summary>
    public int PageEvents;
    public bool HasStalled;

    /// <summary>It was told what is skipped up to here. What is kept of that may take several pages, or be read
    /// again.</summary>
    public long SkippedThrough;
    public bool SkipsUnread => SkippedThrough > Position;

    public ReplayWaiter? Asked;

    /// <summary>Milliseconds of <see cref="Environment.TickCount64"/>: last write begun, last write taken, last id that
    /// reached the client.</summary>
    public long WrittenAt,
        TakenAt,
        IdSentAt;

    /// <summary>When it came, by the clock that stamps the events; UTC ticks.</summary>
    public long ReceivedAt;

    public SlowReader Slow { get; init; }

    /// <summary>It has a beginning and an end, which stand in the log: it cannot go on from another head.</summary>
    public bool IsFinite { get; init; }

    /// <summary>It did not take what it was given at once: what came meanwhile waits.</summary>
    public bool WasBusy;

    /// <summary>It ends as soon as the output has taken what it was given.</summary>
    public EndReason? Ending;

    /// <summary>When it has been open long enough, on the same clock.</summary>
    public long ExpiresAt = long.MaxValue;

    /// <summary>The client was told that its authorization will end.</summary>
    public bool RenewSent;

    public StreamId StreamPosition => new(Epoch, Position);

    /// <summary>The source of the next events.</summary>
    public EventSource Source =>
        Page is not null ? EventSource.Page
        : Asked is not null ? EventSource.AwaitedPage
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

    /// <summary>An end asked for before there was a loop.</summary>
    public EndReason? StopRequested => _stop as EndReason?;

    public override void Finish(EndReason reason)
    {
        if (End is not null)
            return;
        base.Finish(reason);
        OnEnd?.Invoke();
    }
}

/// <summary>The source of a stream's next events.</summary>
internal enum EventSource
{
    /// <summary>Its position must be sought in the filter log first.</summary>
    Unknown,

    /// <summary>The filter log in memory.</summary>
    Memory,

    /// <summary>A page that was asked for from the store.</summary>
    AwaitedPage,

    /// <summary>A page from the store that is being written.</summary>
    Page,
}
