using EventStore;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Replay;

namespace Core.Streaming;

/// <summary>The parts of a writer loop without its thread and without a store.</summary>
internal sealed class LoopRig
{
    private readonly IOptions<SseOptions> _options = Options.Create(new SseOptions { Writers = 1 });
    private readonly StoreReplay _replay;
    private readonly StoreClock _time;

    public LoopRig()
    {
        var clock = TimeProvider.System;
        Rings = new FilterRingRegistry(_options, clock);
        _replay = new StoreReplay(
            Rings,
            null!, // the store, which no test reads
            null!, // its turns
            _options,
            clock,
            new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance),
            NullLogger<StoreReplay>.Instance
        );

        var pages = new CatchUpPages(_replay, Pending, (_, _, _) => { });
        _time = new StoreClock(clock);
        Writer = new ConnectionWriter(0, Rings, Connections, pages, _options.Value, UnreadMetrics.Shared, _time);
        Timers = new ConnectionTimers(Rings, Connections, pages, Writer, _options.Value, clock);
    }

    public FilterRingRegistry Rings { get; }
    public LoopConnections Connections { get; } = new(0);
    public PendingWriteBudget Pending { get; } = new(1_000, _ => { });
    public ConnectionWriter Writer { get; }
    public ConnectionTimers Timers { get; }

    /// <summary>Starts the threads that write the streams attached to them.</summary>
    public WriterLoopPool StartThreads() => new(Rings, _replay, _options, UnreadMetrics.Shared, _time, Pending);

    public FilterRing RingOf(string topic) => Rings.Acquire(new StreamFilter([topic], [], [], NamedFormat.Always));
}
