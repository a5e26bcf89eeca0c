using EventStore;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Connections;

namespace Core.Streaming;

/// <summary>The open streams of a replica, as operators see them.</summary>
public sealed class ConnectionRegistryTests
{
    private readonly LoopRig _loop = new();
    private readonly ApplicationLifetime _application = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly ConnectionRegistry _registry;

    public ConnectionRegistryTests()
    {
        _registry = new(new StreamEndLogger(TimeProvider.System, NullLogger<StreamEndLogger>.Instance), _application);
        _loop.Rings.Reset(Lineage.Alone("e"), 10);
    }

    [Fact]
    public void A_stream_is_listed_until_it_has_sent_its_end_and_counts_as_opened_for_ever()
    {
        var stream = LoopStream.Open(_loop).Connection;
        _registry.Add(stream);
        Assert.Same(stream, Assert.Single(_registry.Open));
        Assert.True(_registry.TryGet("c", out var found));
        Assert.Same(stream, found);
        Assert.False(_registry.TryGet("another", out _));

        _loop.Writer.End(stream, EndReason.Closed);
        Assert.Empty(_registry.Open);
        Assert.False(_registry.TryGet("c", out _));
        _registry.Remove(stream);
        Assert.Equal(1, _registry.Opened);
    }

    [Fact]
    public void When_the_server_stops_all_streams_are_drained_also_those_that_open_meanwhile()
    {
        var before = LoopStream.Open(_loop).Connection;
        var after = LoopStream.Open(_loop).Connection;
        _registry.Add(before);
        Assert.Null(before.EndRequested);

        _application.StopApplication();
        Assert.Equal(EndReason.Drained, before.EndRequested);
        _registry.Add(after);
        Assert.Equal(EndReason.Drained, after.EndRequested);
    }

    [Fact]
    public void A_stream_is_live_slow_or_catching_up_and_lags_by_what_it_has_not_read()
    {
        var live = LoopStream.Open(_loop).Connection;
        var slow = BusyOne();
        Assert.Equal(("live", 0L), (live.State, live.Lag));
        Assert.Equal("slow", slow.State);
        // Events that are not for it do not count.
        _loop.Rings.Publish([LoopStream.Event(20) with { Topic = "other" }], 20);
        Assert.Equal(0, live.Lag);
        _loop.Rings.Publish([LoopStream.Event(25)], 25);
        Assert.Equal(15, live.Lag);
        live.LosePlace();
        Assert.Equal(("catching-up", 15L), (live.State, live.Lag));
        _loop.Writer.Pump(live);
        Assert.Equal(("live", 0L), (live.State, live.Lag));

        StreamConnection BusyOne() => LoopStream.Open(_loop, output: new BusyOutput(_loop.Pending)).Connection;
    }
}
