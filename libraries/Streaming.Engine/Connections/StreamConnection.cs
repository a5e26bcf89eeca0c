using System.Diagnostics;
using Streaming.Fanout;
using Streaming.Showing;

namespace Streaming.Connections;

/// <summary>The loop of a connection. Called from any thread.</summary>
internal interface IWriterLoop
{
    /// <summary>Reports that the connection's output takes bytes again, or is broken.</summary>
    void Ready(StreamConnection connection);

    /// <summary>Ends the stream and the body, with a last frame if the client still reads.</summary>
    void End(StreamConnection connection, EndReason reason);
}

/// <summary>A cursor in a filter ring and an output. Its state belongs to its writer loop; the members of
/// <see cref="OpenStream"/> may be used by any thread.</summary>
/// <param name="start">Place after which its events begin. The client knows this place.</param>
/// <param name="head">Head of the log when the stream was opened: a client that starts there has missed
/// nothing.</param>
internal sealed class StreamConnection(
    string id,
    FilterRing ring,
    FilterRingRegistry rings,
    StreamOutput output,
    StreamClient client,
    StreamPosition start,
    long head = long.MaxValue
) : OpenStream(id, client), IOutputOwner
{
    private IWriterLoop? _loop;
    private volatile object? _endRequested; // boxed, since a nullable enum cannot be volatile

    public FilterRing Ring => ring;
    public StreamOutput Output => output;

    /// <summary>Forms its events by a function of the application. Null if its ring has frames.</summary>
    public ShownEvents? Shown { get; init; }

    public SlowClientPolicy SlowPolicy { get; init; }

    /// <summary>True if the stream has a beginning and an end in the log, so that it cannot continue at the head of a
    /// new epoch.</summary>
    public bool IsFinite { get; init; }

    /// <summary>Called on the loop's thread when the stream has ended.</summary>
    public Action? AfterEnd { private get; set; }

    /// <summary>Index in its <see cref="ConnectionGroup"/>. Only the group changes it.</summary>
    public int GroupIndex { get; set; } = -1;

    /// <summary>True from its first to its last visit by the loop.</summary>
    public bool IsAttached => GroupIndex >= 0;

    public string Epoch { get; private set; } = start.Epoch;

    /// <summary>Position through which every matching event has been written.</summary>
    public long Position { get; private set; } = start.Position;

    /// <summary>Position of the last id sent, in the same epoch; not after <see cref="Position"/>.</summary>
    public long IdSent { get; private set; } = start.Position;

    /// <summary>Position of the last event sent, or of the start; not after <see cref="IdSent"/>.</summary>
    public long EventSent { get; private set; } = start.Position;

    public StreamPosition StreamPosition => new(Epoch, Position);

    /// <summary>Sequence number of the next frame in the ring, if it has a place there.</summary>
    public long Sequence { get; private set; } = FilterRing.NoPlace;

    /// <summary>False if its place in the ring must be sought by its position.</summary>
    public bool HasPlace => Sequence != FilterRing.NoPlace;

    /// <summary>The response's head and the first frame, framed. They are written alone, because a proxy that
    /// compresses (Caddy) does not compress a body whose first write has less than 512 bytes.</summary>
    public byte[]? Greeting { private get; set; }

    /// <summary>Bytes to write before events, framed: a resync, a gap.</summary>
    public byte[]? BeforeEvents { get; set; }

    /// <summary>State of a lagging connection, or null while it is fed from memory.</summary>
    public CatchUpState? CatchUp { get; private set; }

    /// <summary>True while the events that were kept of a skipped range are still to be sent.</summary>
    public bool OwesKeptEvents => CatchUp?.SkippedThrough > Position;

    public ReaderPace Pace { get; private set; } = start.Position >= head ? ReaderPace.KeepsUp : ReaderPace.Behind;

    /// <summary>Times (<see cref="ElapsedTime.Milliseconds"/>) of the last write taken, of the last id sent, and, while
    /// the client is slow, of the first write not taken at once.</summary>
    public long TakenAt { get; private set; }
    public long IdSentAt { get; private set; }
    public long SlowSince { get; private set; }

    /// <summary>Time of the connect in UTC ticks, by the clock that stamps the events.</summary>
    public long ReceivedAt { get; private set; }

    /// <summary>Reason to end the stream as soon as the output has taken its last write.</summary>
    public EndReason? EndAfterWrite { get; private set; }

    /// <summary>The end that was requested first; a stream that has no loop yet ends when it is attached.</summary>
    public EndReason? EndRequested => _endRequested as EndReason?;

    public bool IsBehind => CatchUp is { Page: not null } or { Asked: not null } || !HasPlace;

    public override IReadOnlyList<string> Topics => ring.Filter.Events.Topics;
    public override string State =>
        output.Busy ? "slow"
        : IsBehind ? "catching-up"
        : "live";
    public override double? RoundTrip => output.RoundTrip;
    public override long Lag => !IsBehind && Sequence >= ring.Next ? 0 : Math.Max(0, rings.Settled - Position);

    /// <summary>Gives the stream to its loop, which does everything from now on.</summary>
    public void Attach(IWriterLoop loop)
    {
        _loop = loop;
        output.Owner = this;
    }

    public void Enter(long now, long ticks)
    {
        TakenAt = IdSentAt = now;
        ReceivedAt = ticks;
    }

    /// <summary>Writes the first frame, before the loop has the stream; returns true if nothing else is to be
    /// written.</summary>
    public bool TryGreet()
    {
        if (Greeting is { } greeting)
        {
            Greeting = null;
            if (!output.TryWrite(greeting))
                RequestEnd(EndReason.ClientGone);

            Wrote(greeting.Length, TakenAt);
        }

        return BeforeEvents is null && !output.Busy;
    }

    /// <summary>Takes what must be written before events. Null if there is nothing.</summary>
    public byte[]? TakeBeforeEvents()
    {
        var bytes = BeforeEvents;
        BeforeEvents = null;
        return bytes;
    }

    public void LosePlace() => Sequence = FilterRing.NoPlace;

    /// <inheritdoc cref="FilterRing.TrySeek"/>
    public bool TrySeek(long settled)
    {
        var isFound = ring.TrySeek(Position, settled, out var sequence);
        Sequence = sequence;
        return isFound;
    }

    /// <summary>Notes a write, which the output has taken unless it is busy.</summary>
    public void Wrote(int bytes, long now)
    {
        Deadlines.WrittenAt = now;
        Bytes += bytes;
        if (!output.Busy)
            TakenAt = now;
    }

    /// <summary>Notes that a busy output has taken its last write, and whether the client is slow.</summary>
    public void TookWrite(long now)
    {
        TakenAt = now;
        // The first write waits for the connection takeover, which says nothing about the client's speed.
        if (Delivered == 0 && now - Deadlines.WrittenAt <= 1_000)
            return;

        // With slow=disconnect a client is judged only once it has caught up.
        if (Pace == ReaderPace.Slow || (Pace == ReaderPace.Behind && SlowPolicy == SlowClientPolicy.Disconnect))
            return;

        Pace = ReaderPace.Slow;
        SlowSince = Deadlines.WrittenAt;
    }

    /// <summary>Notes that the client has every event: it is not slow any more.</summary>
    public void CaughtUp() => Pace = ReaderPace.KeepsUp;

    /// <summary>Notes that the events of a batch were written.</summary>
    /// <param name="fromRing">Number of these events that come from the ring, after the connection's place
    /// there.</param>
    public void Sent(WriteBatch batch, ReadOnlySpan<int> buckets, int fromRing)
    {
        Debug.Assert(batch.LastPosition > Position, "No event comes twice.");
        foreach (var bucket in buckets)
            Latency.Add(bucket);

        Delivered += batch.Count;
        // The frame's epoch, not the ring's: a new epoch may have begun since the frame was taken.
        Epoch = batch.LastEpoch;
        EventSent = batch.LastPosition;
        Sequence += fromRing;
        Announced(batch.LastPosition, Deadlines.WrittenAt);
    }

    /// <summary>Notes an id that was sent, up to which the client has every event.</summary>
    public void Announced(long position, long now)
    {
        Debug.Assert(position >= Position, "No id leads back.");
        Position = IdSent = position;
        IdSentAt = now;
    }

    /// <summary>Restarts the interval after which the next id is due.</summary>
    public void RestartIdInterval() => IdSentAt = Deadlines.WrittenAt;

    /// <summary>Notes that there was nothing more for the client up to a position.</summary>
    public void SearchedThrough(long position) => Position = Math.Max(Position, position);

    /// <summary>Continues at the same position of an epoch that shares it.</summary>
    public void ContinueIn(string epoch) => Epoch = epoch;

    /// <summary>Continues at another place, and forgets what was asked or announced before.</summary>
    public void MoveTo(StreamPosition at)
    {
        CatchUp = null;
        Epoch = at.Epoch;
        Position = at.Position;
        IdSent = Math.Min(IdSent, Position);
        EventSent = Math.Min(EventSent, Position);
        LosePlace();
    }

    /// <summary>Continues after a position. A frame tells the client this position before its next event.</summary>
    public void Resync(long position, byte[] frame)
    {
        Position = IdSent = EventSent = position;
        BeforeEvents = frame;
    }

    public CatchUpState BeginCatchUp() => CatchUp ??= new CatchUpState();

    /// <summary>Notes that its next events are in memory.</summary>
    public void EndCatchUp() => CatchUp = null;

    public void EndOnceTaken(EndReason reason) => EndAfterWrite = reason;

    public override void RequestEnd(EndReason reason)
    {
        _endRequested ??= reason;
        _loop?.End(this, reason);
    }

    void IOutputOwner.Ready() => _loop?.Ready(this);

    void IOutputOwner.EndStalled() => RequestEnd(EndReason.Stalled);

    void IOutputOwner.Gone() => RequestEnd(EndReason.ClientGone);

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
