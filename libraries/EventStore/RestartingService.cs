using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>
/// Background work that an exception nobody foresaw neither ends nor takes the process down: it is logged, and the work
/// begins
/// again a second later. Every background service of ours is one.
/// </summary>
public abstract class RestartingService(ILogger logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The service's own log.</summary>
    protected ILogger Logger => logger;

    /// <summary>The work itself. It may end by returning; what it throws makes it begin again.</summary>
    protected abstract Task RunAsync(CancellationToken stoppingToken);

    /// <inheritdoc/>
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunAsync(stoppingToken);
                return;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                logger.LogError(e, "{Service} failed unexpectedly and begins again", GetType().Name);
            }
            await Task.Delay(Pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Runs parts of one work: where one ends or fails the others are ended too, and the whole is as that
    /// one.</summary>
    protected static async Task TogetherAsync(
        CancellationToken stoppingToken,
        params Func<CancellationToken, Task>[] parts
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var running = parts.Select(part => part(stop.Token)).ToArray();
        await Task.WhenAny(running);
        await stop.CancelAsync();
        await Task.WhenAll(running);
    }
}
