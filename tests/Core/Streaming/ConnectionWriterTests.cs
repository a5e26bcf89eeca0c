using System.IO.Pipelines;
using EventStore;
using Streaming.Connections;
using Streaming.Fanout;

namespace Core.Streaming;

public sealed class ConnectionWriterTests
{
    private readonly LoopRig _loop = new();

    [Fact]
    public void A_skip_that_lies_beyond_a_fork_is_forgotten_there()
    {
        _loop.Rings.Reset(Lineage.Alone("e1"), 100);
        // Position 92 was the last event. The rest up to 100 was searched, and its skips were announced.
        var connection = Connect(92, SlowClientPolicy.Latest);
        connection.BeginCatchUp().SkippedThrough = 100;
        connection.SearchedThrough(100);

        _loop.Rings.Reset(Lineage.Of("e2", [new("e2", "e1", 95)]), 95);
        _loop.Writer.Pump(connection);

        Assert.Equal(new StreamPosition("e2", 95), connection.StreamPosition);
        // It waits for the next event. A read of the skipped range would end where it began, again and again.
        Assert.Null(connection.CatchUp);
    }

    /// <summary>It was told to skip position 3, whose newer event at 8 the new epoch has not.</summary>
    [Fact]
    public void A_client_in_the_middle_of_a_range_of_newest_events_gets_a_resync_if_the_rest_is_lost()
    {
        _loop.Rings.Reset(Lineage.Alone("e1"), 10);
        var connection = Connect(4, SlowClientPolicy.Latest);
        connection.BeginCatchUp().SkippedThrough = 8;

        _loop.Rings.Reset(Lineage.Of("e2", [new("e2", "e1", 5)]), 5);
        _loop.Rings.Publish([], 6);
        _loop.Writer.Pump(connection);

        Assert.Equal((new StreamPosition("e2", 6), 6L), (connection.StreamPosition, connection.EventSent));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Only_a_client_that_was_slow_skips_what_its_replica_reads_from_the_store(bool hasKeptUp)
    {
        _loop.Rings.Reset(Lineage.Alone("e1"), 100);
        var connection = Connect(50, SlowClientPolicy.Latest);
        if (hasKeptUp)
            connection.CaughtUp();
        else
            connection.TookWrite(5_000);
        _loop.Writer.Pump(connection);
        Assert.Equal(!hasKeptUp, connection.CatchUp!.Asked!.Range.Newest);
    }

    /// <summary>Its positions name other events. The stream gets a resync when the feed enters the epoch.</summary>
    [Fact]
    public void A_page_of_an_epoch_that_the_feed_has_not_entered_is_not_shown()
    {
        _loop.Rings.Reset(Lineage.Alone("e1"), 100);
        var connection = Connect(50);
        _loop.Writer.Pump(connection);

        _loop.Writer.TakePage(connection, connection.CatchUp!.Asked!, new ReplayPage("e2", 0, [], 90) { Holders = 1 });
        Assert.Equal(
            (new StreamPosition("e1", 50), null, null),
            (connection.StreamPosition, connection.CatchUp.Page, connection.CatchUp.Asked)
        );

        _loop.Rings.Reset(Lineage.Alone("e2"), 90);
        _loop.Writer.Pump(connection);
        Assert.Equal(new StreamPosition("e2", 90), connection.StreamPosition);
    }

    /// <summary>A connection of epoch e1 whose client reads everything.</summary>
    private StreamConnection Connect(long position, SlowClientPolicy slow = SlowClientPolicy.CatchUp)
    {
        var output = new PipeOutput(PipeWriter.Create(Stream.Null), chunked: false, _loop.Pending);
        var client = new StreamClient("", null, "", "");
        var start = new StreamPosition("e1", position);
        var connection = new StreamConnection("c", _loop.RingOf("t"), _loop.Rings, output, client, start)
        {
            SlowPolicy = slow,
            Deadlines = LoopStream.Deadlines(),
        };

        _loop.Connections.Add(connection);
        return connection;
    }
}
