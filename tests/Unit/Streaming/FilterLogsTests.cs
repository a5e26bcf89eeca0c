using Microsoft.Extensions.Options;
using StreamApi.Streaming;
using StreamApi.Streaming.Fanout;
using StreamApi.Streaming.Frames;
using Unit.Tests.Client;

namespace Unit.Streaming;

public class FilterLogsTests
{
    [Fact]
    public void A_filter_that_nobody_has_read_for_its_time_is_forgotten_and_no_other()
    {
        var clock = new ManualTime();
        var options = new StreamingOptions { Writers = 1 };
        var logs = new FilterLogs(Options.Create(options), clock);
        var open = logs.Acquire(Topic("open"));
        for (var i = 0; i < 100; i++) logs.Release(logs.Acquire(Topic($"left.t{i}")));
        logs.Sweep();
        // A client that comes back after a moment is to find it.
        Assert.Equal(101, logs.Count);
        clock.Advance(options.IdleLogLifetime);
        logs.Sweep();
        Assert.Equal(1, logs.Count);
        Assert.Same(open, logs.Acquire(Topic("open")));
    }

    private static StreamFilter Topic(string topic) => new([topic], [], [], PlainForm.Named);
}
