using EventStore;
using Streaming.Connections;
using Streaming.Frames;

namespace Core.Streaming;

/// <summary>Frames of quiet streams: heartbeats, ids and the notice that their right ends soon.</summary>
public sealed class HeartbeatTests
{
    private const int HeartbeatMilliseconds = 15_000,
        PositionMilliseconds = 9_000;
    private static readonly StreamPosition Head = new("e", 25);

    private readonly LoopRig _loop = new();
    private readonly HeartbeatsAndIds _heartbeats;

    public HeartbeatTests()
    {
        _loop.Rings.Reset(Lineage.Alone("e"), 10);
        _heartbeats = new HeartbeatsAndIds(
            _loop.Writer,
            new SseOptions { PositionSeconds = PositionMilliseconds / 1_000 }
        );
    }

    [Theory]
    [InlineData(HeartbeatMilliseconds - 1, "")]
    [InlineData(HeartbeatMilliseconds, ": heartbeat\n")]
    public void A_quiet_stream_gets_a_heartbeat_after_its_time(int quietMilliseconds, string sent)
    {
        var stream = LoopStream.Open(_loop);
        Tick(stream, stream.Connection.StreamPosition, quietMilliseconds);
        Assert.Equal(sent, stream.Text);
    }

    /// <summary>A client that resumes with this id does not search the log before it, which had nothing.</summary>
    [Theory]
    [InlineData(PositionMilliseconds - 1, "", 10)]
    [InlineData(PositionMilliseconds, "event: position\ndata: {}\nid: e-25\n\n", 25)]
    public void A_quiet_stream_that_has_read_everything_gets_the_id_of_the_head(
        int milliseconds,
        string sent,
        long position
    )
    {
        var stream = LoopStream.Open(_loop);
        Tick(stream, Head, milliseconds);
        Assert.Equal((sent, position), (stream.Text, stream.Connection.Position));
        Assert.Equal(position, stream.Connection.IdSent);
    }

    /// <summary>With that id, a client that resumes would miss what it has not been sent.</summary>
    [Theory]
    [InlineData("an event waits in memory")]
    [InlineData("its place is being sought")]
    [InlineData("a page of the store is awaited")]
    [InlineData("another epoch")]
    public void A_stream_that_has_not_had_everything_gets_no_id_of_the_head(string why)
    {
        var stream = LoopStream.Open(_loop, new(Epoch: why == "another epoch" ? "before" : null));
        var connection = stream.Connection;

        switch (why)
        {
            case "an event waits in memory":
                _loop.Rings.Publish([LoopStream.Event(11)], 11);
                break;
            case "its place is being sought":
                connection.LosePlace();
                break;
            case "a page of the store is awaited":
                connection.LosePlace();
                connection.BeginCatchUp().Asked = new(default, (_, _) => { });
                break;
        }

        Tick(stream, Head, PositionMilliseconds);
        Assert.DoesNotContain("e-25", stream.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_whose_ids_name_a_run_gets_no_other_ids()
    {
        var stream = LoopStream.Open(_loop, format: NamedFormatChoice.Of(_ => true, sendsPositions: false).For(null));
        Tick(stream, Head, PositionMilliseconds);
        Assert.Equal("", stream.Text);
        Tick(stream, Head, HeartbeatMilliseconds);
        Assert.Equal(": heartbeat\n", stream.Text);
    }

    [Theory]
    [InlineData(PositionMilliseconds - 1, false, "")]
    [InlineData(PositionMilliseconds, false, "event: position\ndata: {}\nid: e-20\n\n")]
    [InlineData(PositionMilliseconds, true, "event: resync\n\n")]
    public void A_search_that_finds_nothing_tells_its_client_how_far_it_is(int milliseconds, bool isReset, string sent)
    {
        var stream = Searching();
        var connection = stream.Connection;
        connection.SearchedThrough(20);

        // A resync that is not sent yet has an id of its own.
        connection.BeforeEvents = isReset ? "event: resync\n\n"u8.ToArray() : null;
        Tick(stream, Head, milliseconds);
        Assert.Equal(sent, stream.Text);
    }

    [Fact]
    public void A_search_that_finds_nothing_sends_its_next_id_after_the_same_time_again()
    {
        var stream = Searching();
        var connection = stream.Connection;
        var now = connection.IdSentAt;
        Search(PositionMilliseconds, position: 20);
        Search(PositionMilliseconds - 1, position: 21);
        Assert.Equal("event: position\ndata: {}\nid: e-20\n\n", stream.Text);
        Search(1, position: 22);
        Assert.Equal("event: position\ndata: {}\nid: e-20\n\nevent: position\ndata: {}\nid: e-22\n\n", stream.Text);

        void Search(int milliseconds, long position)
        {
            byte[]? sentPosition = null;
            now += milliseconds;
            connection.SearchedThrough(position);
            connection.Wrote(0, now);
            _heartbeats.WriteIfDue(connection, Head, ref sentPosition, now);
        }
    }

    [Fact]
    public void Events_that_wait_in_memory_are_sent_at_the_next_tick()
    {
        var stream = LoopStream.Open(_loop);
        _loop.Rings.Publish([LoopStream.Event(11)], 11);
        Tick(stream, Head, 1);
        Assert.Equal("event: n\ndata: 1\nid: e-11\n\n", stream.Text);
    }

    /// <summary>A client may have read further than the replica on which it opens its stream.</summary>
    [Fact]
    public void A_stream_that_was_ahead_gets_ids_again_also_if_a_heartbeat_is_due_at_each_tick()
    {
        var stream = LoopStream.Open(_loop, new(Position: 12));
        Tick(stream, new StreamPosition("e", 10), HeartbeatMilliseconds);
        _loop.Rings.Publish([], Head.Position);
        Tick(stream, Head, HeartbeatMilliseconds);
        Tick(stream, Head, HeartbeatMilliseconds);
        Assert.EndsWith("event: position\ndata: {}\nid: e-25\n\n", stream.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_notice_does_not_delay_the_id_that_is_due_with_it()
    {
        var expiry = new ExpiryTimes(DateTimeOffset.UnixEpoch, long.MaxValue, RenewAt: 0);
        var stream = LoopStream.Open(_loop, new(Expiry: expiry));
        Tick(stream, Head, PositionMilliseconds);
        Assert.StartsWith("event: unauthorized\n", stream.Text, StringComparison.Ordinal);
        Assert.EndsWith("\n\nevent: position\ndata: {}\nid: e-25\n\n", stream.Text, StringComparison.Ordinal);
    }

    /// <summary>Two writes at once could mix their bytes.</summary>
    [Fact]
    public void After_a_notice_that_fills_the_socket_the_id_waits()
    {
        var output = new FullOutput(_loop.Pending);
        var expiry = new ExpiryTimes(DateTimeOffset.UnixEpoch, long.MaxValue, RenewAt: 0);
        Tick(LoopStream.Open(_loop, new(Expiry: expiry), output: output), Head, PositionMilliseconds);
        Assert.Equal(1, output.Writes);
    }

    [Fact]
    public void A_client_that_is_gone_at_its_notice_gets_no_further_write()
    {
        var output = new GoneOutput(_loop.Pending);
        var expiry = new ExpiryTimes(DateTimeOffset.UnixEpoch, long.MaxValue, RenewAt: 0);
        Tick(LoopStream.Open(_loop, new(Expiry: expiry), output: output), Head, PositionMilliseconds);
        Assert.Equal(1, output.Writes);
    }

    /// <summary>A stream that waits for a page.</summary>
    private LoopStream Searching()
    {
        var stream = LoopStream.Open(_loop);
        stream.Connection.LosePlace();
        stream.Connection.BeginCatchUp().Asked = new(default, (_, _) => { });
        return stream;
    }

    /// <summary>A tick after the stream had nothing for a time.</summary>
    private void Tick(LoopStream stream, StreamPosition settled, int milliseconds)
    {
        byte[]? sentPosition = null;
        var since = Math.Max(stream.Connection.Deadlines.WrittenAt, stream.Connection.IdSentAt);
        _heartbeats.WriteIfDue(stream.Connection, settled, ref sentPosition, since + milliseconds);
    }

    /// <summary>An output that one write fills.</summary>
    private sealed class FullOutput(PendingWriteBudget pending) : StreamOutput(pending)
    {
        public override bool Chunked => false;

        public int Writes { get; private set; }

        public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
        {
            Writes++;
            Busy = true;
            return true;
        }
    }

    /// <summary>An output whose client has gone.</summary>
    private sealed class GoneOutput(PendingWriteBudget pending) : StreamOutput(pending)
    {
        public override bool Chunked => false;

        public int Writes { get; private set; }

        public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
        {
            Writes++;
            return false;
        }
    }
}
