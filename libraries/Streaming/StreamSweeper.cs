using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Replay;

namespace Streaming;

/// <summary>Frees unused rings and pages, and compacts the heap after a burst.</summary>
internal sealed class StreamSweeper(
    FilterRingRegistry rings,
    StoreReplay replay,
    ConnectionRegistry registry,
    IOptions<StreamingOptions> options,
    TimeProvider clock,
    ILogger<StreamSweeper> logger
) : RestartingService(logger, clock)
{
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(3), Clock);
        var compaction = new HeapCompaction(
            options.Value.CompactStreams,
            options.Value.CompactMegabytes * 1024L * 1024
        );

        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            rings.Sweep();
            replay.Sweep();
            // Returns about half of each connection's memory to the operating system. No other kind of collection
            // does, however long the server is idle.
            var (allocated, collections) = (GC.GetTotalAllocatedBytes(), GC.CollectionCount(0));
            if (!compaction.IsDue(registry.Opened, allocated, Environment.WorkingSet, collections))
                continue;

            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            compaction.Done(registry.Opened, Environment.WorkingSet);
        }
    }
}
