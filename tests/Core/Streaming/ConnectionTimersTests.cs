using System.Diagnostics;
using Streaming.Connections;

namespace Core.Streaming;

public sealed class ConnectionTimersTests
{
    private readonly LoopRig _loop = new();

    /// <summary>Events wait between the slices only.</summary>
    [Theory]
    [InlineData(1, 40)]
    [InlineData(40, 1)]
    public void Heartbeats_of_many_quiet_streams_are_written_in_slices(int rings, int streamsOfEach)
    {
        var outputs = new List<MillisecondOutput>();
        for (var i = 0; i < rings; i++)
        for (var j = 0; j < streamsOfEach; j++)
            outputs.Add(Add($"t{i}"));

        BeginTick(outputs);
        Assert.True(_loop.Timers.IsUnderWay);
        Assert.InRange(outputs.Count(o => o.Writes > 0), 1, outputs.Count - 1);
        // Streams that begin or end meanwhile do not disturb it.
        Add("t0");
        Add("new");

        while (_loop.Timers.IsUnderWay)
            _loop.Timers.TickIfDue();

        Assert.All(outputs, o => Assert.Equal(1, o.Writes));
    }

    [Fact]
    public void A_tick_ends_and_writes_to_no_new_stream_if_its_log_empties_between_two_slices()
    {
        var (ring, outputs) = (_loop.RingOf("t0"), Enumerable.Range(0, 40).Select(_ => Add("t0")).ToList());
        Assert.True(_loop.Connections.TryGet(ring, out var group));

        // On a busy machine a slice may be over before its first visit.
        do _loop.Timers.TickIfDue();
        while (outputs.All(o => o.Writes == 0));

        while (group.Count > 0)
            _loop.Connections.Remove(group[0]);

        var late = Add("t1");

        while (_loop.Timers.IsUnderWay)
            _loop.Timers.TickIfDue();

        Assert.InRange(outputs.Count(o => o.Writes > 0), 1, outputs.Count - 1);
        Assert.Equal(0, late.Writes);
    }

    /// <summary>Begins a tick. On a busy machine a slice may be over before its first visit.</summary>
    private void BeginTick(IEnumerable<MillisecondOutput> outputs)
    {
        do _loop.Timers.TickIfDue();
        while (outputs.All(o => o.Writes == 0));
    }

    /// <summary>Adds a stream whose heartbeat is due.</summary>
    private MillisecondOutput Add(string topic)
    {
        var ring = _loop.RingOf(topic);
        var output = new MillisecondOutput(_loop.Pending);
        var client = new StreamClient("", null, "", "");
        var now = TimeProvider.System.Milliseconds();
        var connection = new StreamConnection("c", ring, _loop.Rings, output, client, new("", 0))
        {
            Deadlines = LoopStream.Deadlines(begunAt: now - 60_000),
        };
        connection.Enter(now, ticks: 0);
        connection.TrySeek(_loop.Rings.Settled);
        _loop.Connections.Add(connection);
        return output;
    }

    /// <summary>An output whose writes take a millisecond of the loop's time.</summary>
    private sealed class MillisecondOutput(PendingWriteBudget pending) : StreamOutput(pending)
    {
        public int Writes { get; private set; }

        public override bool Chunked => false;

        public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
        {
            Writes++;
            for (var begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun).TotalMilliseconds < 1; ) { }
            return true;
        }
    }
}
