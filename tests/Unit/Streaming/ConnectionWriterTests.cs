using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Frames;
using Streaming.Replay;

namespace Unit.Streaming;

public sealed class ConnectionWriterTests : IDisposable
{
    private readonly IOptions<StreamingOptions> _options = Options.Create(new StreamingOptions { Writers = 1 });
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly StreamingMetrics _metrics;
    private readonly StoreReplay _replay;
    private readonly FilterLogs _logs;

    public ConnectionWriterTests()
    {
        var clock = TimeProvider.System;
        _logs = new FilterLogs(_options, Slots.Default, clock);
        _metrics = new(Meters, _options, clock, NullLogger<StreamingMetrics>.Instance);
        _replay = new(
            _logs,
            null!, // the store, which no test reads
            _options,
            _metrics,
            clock,
            new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance),
            NullLogger<StoreReplay>.Instance
        );
    }

    private IMeterFactory Meters => _services.GetRequiredService<IMeterFactory>();

    [Fact]
    public void A_skip_that_lies_beyond_a_fork_is_forgotten_there()
    {
        var pending = new PendingWrites(1_000, _ => { });
        var connections = new LoopConnections(0);
        var clock = new StoreClock(null!, _options, TimeProvider.System, Meters, NullLogger<StoreClock>.Instance);
        var pages = new CatchUpPages(_replay, pending, (_, _, _) => { });
        var writer = new ConnectionWriter(0, _logs, connections, pages, _options.Value, _metrics, clock);
        _logs.Reset(Lineage.Alone("e1"), 100);
        var log = _logs.Acquire(new StreamFilter(["t"], [], [], PlainFormat.Named));
        // Position 92 was the last event. The rest up to 100 was searched, and its skips were announced.
        using var output = new MemoryStream();
        var c = new StreamConnection(
            "c",
            log,
            _logs,
            new PipeOutput(PipeWriter.Create(output), chunked: false, pending),
            new StreamClient("", null, "", null, default)
        )
        {
            Epoch = "e1",
            Position = 100,
            SkippedThrough = 100,
            EventSent = 92,
            IdSent = 92,
            Slow = SlowReader.Latest,
        };
        connections.Add(c);

        _logs.Reset(Lineage.Of("e2", [new("e2", "e1", 95)]), 95);
        writer.Pump(c);

        Assert.Equal((new StreamId("e2", 95), 0L), (c.StreamPosition, c.SkippedThrough));
        // It waits for the next event. A read of the skipped range would end where it began, again and again.
        Assert.Null(c.Asked);
    }

    public void Dispose()
    {
        _metrics.Dispose();
        _services.Dispose();
    }
}
