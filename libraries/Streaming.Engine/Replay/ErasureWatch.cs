using Streaming.Fanout;
using Streaming.Feed;

namespace Streaming.Replay;

/// <summary>Makes this replica forget the events that were erased, on whichever replica.</summary>
internal sealed class ErasureWatch(
    IFeedStore store,
    FilterRingRegistry rings,
    StoreReplay replay,
    TimeProvider clock,
    ILogger<ErasureWatch> logger
) : RestartingService(logger, clock)
{
    protected override Task RunAsync(CancellationToken stoppingToken) =>
        store.ErasuresAsync(
            through =>
            {
                rings.Forget(through);
                replay.Forget();
            },
            stoppingToken
        );
}
