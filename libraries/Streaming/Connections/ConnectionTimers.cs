using EventStore;
using Streaming.Fanout;
using Streaming.Frames;

namespace Streaming.Connections;

/// <summary>
/// Looks at every connection of a writer loop once a second: ends those that are over or take nothing, and sends
/// heartbeats and positions to the quiet ones; <see cref="PushStream"/> sends its own. Times are milliseconds of
/// <see cref="Environment.TickCount64"/>.
/// </summary>
internal sealed class ConnectionTimers(
    int loop,
    FilterLogs logs,
    LoopConnections connections,
    CatchUpPages pages,
    ConnectionWriter writer,
    StreamingOptions options
)
{
    private const int IntervalMilliseconds = 1_000;

    private long _tickedAt;

    public void TickIfDue()
    {
        var now = Environment.TickCount64;
        if (now - _tickedAt < IntervalMilliseconds)
            return;
        _tickedAt = now;
        // Read first: a connection that is caught up with its log afterwards has had every match up to here.
        var settled = logs.Now.Settled;
        foreach (var (log, group) in connections.All)
            Tick(log, group, settled, now);
    }

    private void Tick(FilterLog log, ConnectionGroup group, StreamId settled, long now)
    {
        byte[]? idOnly = null;
        var read = log.Next;
        for (var i = group.Count - 1; i >= 0; i--)
        {
            var c = group[i];
            if (c.Output.Busy)
                pages.Relieve(c, isStalled: now - c.TakenAt >= SlowReaders.StalledMilliseconds);
            if (!c.IsBehind)
                read = Math.Min(read, c.Sequence);
            if (now >= c.ExpiresAt)
                writer.Close(c, EndReason.Aged);
            else if (now >= c.Expiry.EndsAt)
                writer.Close(c, EndReason.Unauthorized);
            else if (c.Output.Busy)
                EndIfStalled(c, now - c.TakenAt);
            else
                WriteDue(c, settled, ref idOnly, now);
        }
        Volatile.Write(ref log.Loops[loop].ReadThrough, read);
    }

    private void EndIfStalled(StreamConnection c, long untaken)
    {
        if (SlowReaders.EndOf(c, untaken, options, pages.IsFull) is { } reason)
            writer.Leave(c, reason);
    }

    private void WriteDue(StreamConnection c, StreamId settled, ref byte[]? idOnly, long now)
    {
        if (now >= c.Expiry.RenewAt && !c.RenewSent)
        {
            c.RenewSent = true;
            if (!writer.Write(c, c.Output.Framed(ControlFrames.Unauthorized("expiring", c.Expiry.Until))))
                return;
        }
        var sendsIds = c.Epoch == settled.Epoch && c.Log.Filter.Format.SendsPositions;
        var idIsDue = sendsIds && now - c.IdSentAt >= options.PositionSeconds * 1_000L;
        var caughtUp = sendsIds && !c.IsBehind && c.Sequence == c.Log.Next;
        if (caughtUp && idIsDue && settled.Position > c.Position)
        {
            idOnly ??= ControlFrames.IdOnly(settled);
            if (writer.Write(c, c.Output.Framed(idOnly)))
                (c.Position, c.IdSent, c.IdSentAt) = (settled.Position, settled.Position, now);
        }
        // A search that finds nothing: a client that comes back need not search the same part again.
        else if (idIsDue && c.Position > c.IdSent && c.Opening is null)
        {
            if (writer.Write(c, c.Output.Framed(ControlFrames.IdOnly(c.StreamPosition))))
                (c.IdSent, c.IdSentAt) = (c.Position, now);
        }
        else if (now - c.WrittenAt >= options.HeartbeatSeconds * 1_000L)
            writer.Write(c, c.Output.Framed(ControlFrames.Heartbeat));
        else if (!caughtUp)
            writer.Pump(c);
    }
}
