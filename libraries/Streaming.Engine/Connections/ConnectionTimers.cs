using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>Visits each connection of a writer loop once a second, ends expired and dead ones, and writes to quiet ones
/// (<see cref="HeartbeatsAndIds"/>). Times are those of <see cref="ElapsedTime.Milliseconds"/>.</summary>
/// <remarks>A tick is cut into slices of a millisecond, between which the loop writes events: thousands of streams may
/// be due. A connection that changes its place in its group meanwhile may be left to the next tick.</remarks>
internal sealed class ConnectionTimers(
    FilterRingRegistry rings,
    LoopConnections connections,
    CatchUpPages pages,
    ConnectionWriter writer,
    SseOptions options,
    TimeProvider clock
)
{
    private const int IntervalMilliseconds = 1_000;

    /// <summary>Connections visited between two looks at the clock.</summary>
    private const int Stride = 16;

    private readonly long _slice = clock.TimestampFrequency / 1_000;
    private readonly HeartbeatsAndIds _heartbeats = new(writer, options);
    private KeyValuePair<FilterRing, ConnectionGroup>[] _groups = [];
    private int _group;
    private int _left = int.MaxValue;
    private long _tickedAt;

    public bool IsUnderWay => _group < _groups.Length;

    /// <summary>Begins a tick, or continues it for about a millisecond.</summary>
    public void TickIfDue()
    {
        var now = clock.Milliseconds();

        if (!IsUnderWay)
        {
            if (now - _tickedAt < IntervalMilliseconds)
                return;

            _tickedAt = now;
            _groups = connections.All;
            _group = 0;
        }

        var until = clock.GetTimestamp() + _slice;
        // Read before the visits: a connection that is then caught up with its ring has every match up to here.
        var settled = rings.Now.Settled;
        byte[]? position = null;
        for (; IsUnderWay; NextGroup())
        {
            if (clock.GetTimestamp() >= until)
                return;
            // The ring's connections may have left since the tick began.
            if (!connections.TryGet(_groups[_group].Key, out var group))
                continue;

            for (_left = Math.Min(_left, group.Count); _left > 0; )
            {
                TryVisit(group[--_left], settled, ref position, now);
                if (_left % Stride == 0 && _left > 0 && clock.GetTimestamp() >= until)
                    return;
            }
        }

        _groups = [];
    }

    private void NextGroup()
    {
        _group++;
        _left = int.MaxValue;
    }

    /// <summary>Visits a connection. An unexpected failure ends this connection alone.</summary>
    private void TryVisit(StreamConnection connection, StreamPosition settled, ref byte[]? position, long now)
    {
        try
        {
            var isBusy = connection.Output.Busy;
            var untaken = now - connection.TakenAt;
            if (isBusy)
                pages.ReleaseIfStalled(connection, isStalled: untaken >= SlowClientRule.StalledMilliseconds);

            if (connection.Deadlines.EndAt(now) is { } due)
                writer.End(connection, due);
            else if (SlowClientRule.LagsTooLong(connection, now, options))
                writer.End(connection, EndReason.TooSlow);
            else if (!isBusy)
                _heartbeats.WriteIfDue(connection, settled, ref position, now);
            else if (SlowClientRule.EndOf(connection, untaken, options, pages.IsFull) is { } reason)
                writer.Abandon(connection, reason);
        }
        catch (Exception e)
        {
            writer.Fail(connection, e);
        }
    }
}
