using Streaming.Frames;

namespace Streaming.Connections;

/// <summary>Sends a heartbeat, a notice (<see cref="StreamDeadlines"/>) or a position that is due.
/// <see cref="PushStream"/> sends its own.</summary>
internal sealed class HeartbeatsAndIds(ConnectionWriter writer, SseOptions options)
{
    /// <summary>Writes what is due to a connection that takes bytes.</summary>
    /// <param name="settled">Position through which a connection that is caught up has had every match.</param>
    /// <param name="position">The frame with that position, shared by the connections of a tick.</param>
    public void WriteIfDue(StreamConnection connection, StreamPosition settled, ref byte[]? position, long now)
    {
        // A write that fills the socket must complete before the next one.
        if (
            connection.Deadlines.TakeNotice(now) is { } notice
            && (!writer.Write(connection, connection.Output.Framed(notice)) || connection.Output.Busy)
        )
            return;

        var sendsIds = connection.Epoch == settled.Epoch && connection.Ring.Filter.Format.SendsPositions;
        var idIsDue = sendsIds && now - connection.IdSentAt >= options.PositionSeconds * 1_000L;

        var caughtUp = sendsIds && !connection.IsBehind && connection.Sequence == connection.Ring.Next;
        if (caughtUp && idIsDue && settled.Position > connection.Position)
        {
            position ??= ControlFrames.Position(settled);
            if (writer.Write(connection, connection.Output.Framed(position)))
                connection.Announced(settled.Position, now);
        }
        // A search that finds nothing. With this id, a client that reconnects does not search the same part again.
        else if (idIsDue && connection.Position > connection.IdSent && connection.BeforeEvents is null)
        {
            if (writer.Write(connection, connection.Output.Framed(ControlFrames.Position(connection.StreamPosition))))
                connection.Announced(connection.Position, now);
        }
        else if (connection.Deadlines.IsQuiet(now))
            writer.Write(connection, connection.Output.Framed(ControlFrames.Heartbeat));

        // Also after a heartbeat, which may be due at every tick: a client that was ahead of this replica gets no ids
        // until its place is found.
        if (!caughtUp)
            writer.Pump(connection);
    }
}
