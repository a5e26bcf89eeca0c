using Microsoft.Extensions.Options;

namespace StreamApi.Memory;

/// <summary>Compacts the heap after a burst. The heap of this process is streams; the libraries leave that of an
/// application alone, where the pause would be as long as its own objects are many.</summary>
internal sealed class HeapCompactor(
    IConnectionList streams,
    IOptions<HeapOptions> options,
    TimeProvider clock,
    ILogger<HeapCompactor> logger
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
            // Returns about half of each connection's memory to the operating system. No other kind of collection
            // does, however long the server is idle.
            var allocated = GC.GetTotalAllocatedBytes();
            var collections = GC.CollectionCount(0);
            if (!compaction.IsDue(streams.ReadStats().Opened, allocated, Environment.WorkingSet, collections))
                continue;

            GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            compaction.Done(streams.ReadStats().Opened, Environment.WorkingSet);
        }
    }
}
