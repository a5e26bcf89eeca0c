using Streaming.Fanout;

namespace Streaming.Replay;

/// <summary>Frees unused rings and pages.</summary>
internal sealed class StreamSweeper(
    FilterRingRegistry rings,
    StoreReplay replay,
    TimeProvider clock,
    ILogger<StreamSweeper> logger
) : RestartingService(logger, clock)
{
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(3), Clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            rings.Sweep();
            replay.Sweep();
        }
    }
}
