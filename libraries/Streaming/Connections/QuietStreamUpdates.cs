using EventStore;
using Streaming.Frames;

namespace Streaming.Connections;

/// <summary>Sends a heartbeat after <see cref="SseOptions.HeartbeatSeconds"/> without a write, or a position or
/// notice that is due. <see cref="PushStream"/> sends its own.</summary>
internal sealed class QuietStreamUpdates(ConnectionWriter writer, StreamingOptions options)
{
    /// <summary>Writes what is due to a connection that takes bytes.</summary>
    /// <param name="settled">Position through which a connection that is caught up has had every match.</param>
    /// <param name="idOnly">The frame with that position, shared by the connections of a tick.</param>
    public void WriteIfDue(StreamConnection c, StreamPosition settled, ref byte[]? idOnly, long now)
    {
        if (now >= c.Expiry.RenewAt && !c.RenewSent)
        {
            c.RenewSent = true;
            // A write that fills the socket must complete before the next one.
            if (
                !writer.Write(c, c.Output.Framed(ControlFrames.Unauthorized("expiring", c.Expiry.Until)))
                || c.Output.Busy
            )
                return;
        }
        var sendsIds = c.Epoch == settled.Epoch && c.Log.Filter.Format.SendsPositions;
        var idIsDue = sendsIds && now - c.IdSentAt >= options.PositionSeconds * 1_000L;
        var caughtUp = sendsIds && !c.IsBehind && c.Sequence == c.Log.Next;
        if (caughtUp && idIsDue && settled.Position > c.Position)
        {
            idOnly ??= ControlFrames.IdOnly(settled);
            if (writer.Write(c, c.Output.Framed(idOnly)))
            {
                c.Position = c.IdSent = settled.Position;
                c.IdSentAt = now;
            }
        }
        // A search that finds nothing. With this id, a client that reconnects does not search the same part again.
        else if (idIsDue && c.Position > c.IdSent && c.Opening is null)
        {
            if (writer.Write(c, c.Output.Framed(ControlFrames.IdOnly(c.StreamPosition))))
            {
                c.IdSent = c.Position;
                c.IdSentAt = now;
            }
        }
        else if (now - c.WrittenAt >= options.HeartbeatSeconds * 1_000L)
            writer.Write(c, c.Output.Framed(ControlFrames.Heartbeat));
        // Also after a heartbeat, which may be due at every tick: a client that was ahead of this replica gets no ids
        // until its place is found.
        if (!caughtUp)
            writer.Pump(c);
    }
}
