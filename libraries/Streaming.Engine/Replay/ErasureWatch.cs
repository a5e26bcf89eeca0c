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
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Time for which an erasure is repeated here: an erased event may still be on its way, by Redis or in a
    /// page.</summary>
    private static readonly TimeSpan Repeated = TimeSpan.FromMinutes(1);

    private long? _toldAt;

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, Clock);
        do
        {
            var now = Clock.GetTimestamp();
            // After an outage, all that was erased meanwhile too.
            var age = Repeated + (_toldAt is { } told ? Clock.GetElapsedTime(told, now) : TimeSpan.Zero);
            try
            {
                if (await store.ErasedThroughAsync(age, stoppingToken) is > 0 and var through)
                {
                    rings.Forget(through);
                    replay.Forget();
                }
                _toldAt = now;
            }
            catch (StoreUnavailableException e)
            {
                Logger.LogDebug("Erasures cannot be read: {Reason}", e.InnerException?.Message ?? e.Message);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
