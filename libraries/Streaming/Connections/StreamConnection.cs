using Streaming.Fanout;
using Streaming.Showing;

namespace Streaming.Connections;

/// <summary>The loop of a connection. Called from any thread.</summary>
internal interface IWriterLoop
{
    /// <summary>The connection's output takes bytes again, or is broken.</summary>
    void Ready(StreamConnection connection);

    /// <summary>Ends the stream and the body, with a last frame if the client still reads.</summary>
    void End(StreamConnection connection, EndReason reason);
}

/// <summary>A cursor in a filter ring and an output. Its state belongs to its writer loop; the members of
/// <see cref="OpenStream"/> may be used by any thread.</summary>
internal sealed class StreamConnection(
    string id,
    FilterRing ring,
    FilterRingRegistry rings,
    StreamOutput output,
    StreamClient client
) : OpenStream(id, client), IOutputOwner
{
    private IWriterLoop? _loop;

    public FilterRing Ring => ring;
    public StreamOutput Output => output;

    /// <summary>Forms its events by a function of the application. Null if its ring has frames.</summary>
    public ShownEvents? Shown { get; init; }

    public int GroupIndex = -1;

    /// <summary>True from its first to its last visit by the loop.</summary>
    public bool IsAttached => GroupIndex >= 0;

    /// <summary>Position through which every matching event has been written.</summary>
    public long Position;

    public string Epoch = "";

    /// <summary>Position of the last id sent to the client, in the same epoch.</summary>
    public long IdSent;

    /// <summary>Position of the last event sent to the client, or of its start, in the same epoch.</summary>
    public long EventSent;

    /// <summary>Sequence number of the next frame in the ring, if it has a place there.</summary>
    public long Sequence = FilterRing.NoPlace;

    /// <summary>False if its place in the ring must be sought by its position.</summary>
    public bool HasPlace => Sequence != FilterRing.NoPlace;

    public void LosePlace() => Sequence = FilterRing.NoPlace;

    /// <summary>The response's head and the first frame, framed. They are a write of their own: a proxy that compresses
    /// (Caddy) leaves a body alone that begins with less than 512 bytes.</summary>
    public byte[]? Greeting { get; set; }

    /// <summary>Bytes to write before events, framed: a resync, a gap.</summary>
    public byte[]? BeforeEvents;

    /// <summary>Takes what must be written before events. Null if there is nothing.</summary>
    public byte[]? TakeBeforeEvents()
    {
        var bytes = Greeting ?? BeforeEvents;
        if (Greeting is null)
            BeforeEvents = null;
        Greeting = null;
        return bytes;
    }

    /// <summary>State of a lagging connection, or null while it is fed from memory.</summary>
    public CatchUp? CatchUp;

    /// <summary>True while the events that were kept of a skipped range are still to be sent.</summary>
    public bool OwesKeptEvents => CatchUp?.SkippedThrough > Position;

    /// <summary>Times of the last write, of the last write taken, and of the last id sent
    /// (<see cref="ElapsedTime.Milliseconds"/>).</summary>
    public long WrittenAt,
        TakenAt,
        IdSentAt;

    /// <summary>Time of the connect in UTC ticks, by the clock that stamps the events.</summary>
    public long ReceivedAt;

    public SlowClientPolicy SlowPolicy { get; init; }

    /// <summary>True if the stream begins and ends in the log, so that it cannot continue from another head.</summary>
    public bool IsFinite { get; init; }

    public ReaderPace Pace = ReaderPace.Behind;

    /// <summary>Time, like <see cref="WrittenAt"/>, of the first write not taken at once; valid while slow.</summary>
    public long SlowSince;

    /// <summary>Reason to end the stream as soon as the output has taken its last write.</summary>
    public EndReason? EndAfterWrite;

    /// <summary>Time, like <see cref="WrittenAt"/>, at which the stream reaches its maximum age.</summary>
    public long MaxAgeAt = long.MaxValue;

    /// <summary>True once the client has been notified that its right to read ends soon.</summary>
    public bool RenewSent;

    public StreamPosition StreamPosition => new(Epoch, Position);

    public NextFrames Source =>
        CatchUp?.Page is not null ? NextFrames.Page
        : CatchUp?.Asked is not null ? NextFrames.AwaitedPage
        : !HasPlace ? NextFrames.Unknown
        : NextFrames.Memory;

    public bool IsBehind => Source != NextFrames.Memory;

    public override IReadOnlyList<string> Topics => ring.Filter.Events.Topics;
    public override string State =>
        output.Busy ? "slow"
        : IsBehind ? "catching-up"
        : "live";
    public override long Lag =>
        !IsBehind && Volatile.Read(ref Sequence) >= ring.Next
            ? 0
            : Math.Max(0, rings.Settled - Volatile.Read(ref Position));

    /// <summary>Called on the loop's thread when the stream has ended.</summary>
    public Action? AfterEnd;

    private volatile object? _endRequested; // boxed, since a nullable enum cannot be volatile

    /// <summary>Gives the stream to its loop, which does everything from now on.</summary>
    public void Attach(IWriterLoop loop)
    {
        _loop = loop;
        output.Owner = this;
    }

    public override void RequestEnd(EndReason reason)
    {
        _endRequested ??= reason;
        _loop?.End(this, reason);
    }

    void IOutputOwner.Ready() => _loop?.Ready(this);

    void IOutputOwner.EndStalled() => RequestEnd(EndReason.Stalled);

    /// <summary>The end that was requested first; a stream that has no loop yet ends when it is attached.</summary>
    public EndReason? EndRequested => _endRequested as EndReason?;

    public override void MarkEnded(EndReason reason)
    {
        if (End is not null)
            return;
        base.MarkEnded(reason);
        AfterEnd?.Invoke();
    }
}

/// <summary>A client's progress so far.</summary>
internal enum ReaderPace
{
    /// <summary>It has not had every event yet, because it was away.</summary>
    Behind,

    /// <summary>It has taken each event at once. If it lags, its ring lacks an event that only the store has.</summary>
    KeepsUp,

    /// <summary>It did not take a write at once, and has not had every event since.</summary>
    Slow,
}

internal enum NextFrames
{
    /// <summary>The position must be sought in the filter ring first.</summary>
    Unknown,

    Memory,
    AwaitedPage,
    Page,
}
