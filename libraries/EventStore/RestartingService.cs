using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>A background service that logs an unexpected exception and starts again a second later; in a plain
/// <see cref="BackgroundService"/> it would stop the process.</summary>
internal abstract class RestartingService(ILogger logger, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected ILogger Logger => logger;

    protected TimeProvider Clock => clock;

    /// <summary>Does the work. The service ends when this returns, and starts it again when it throws.</summary>
    protected abstract Task RunAsync(CancellationToken stoppingToken);

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
                logger.LogError(e, "{Service} failed unexpectedly and starts again in a second", GetType().Name);
            }
            await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Runs parts together until one ends or fails, cancels the others and throws its exception.</summary>
    protected internal static async Task TogetherAsync(
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
