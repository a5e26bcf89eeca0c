using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>
/// A background service that survives unexpected exceptions: it logs one and starts its work again a second later. An
/// exception of a plain <see cref="BackgroundService"/> would stop the process.
/// </summary>
public abstract class RestartingService(ILogger logger, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The service's logger.</summary>
    protected ILogger Logger => logger;

    /// <summary>The service's clock.</summary>
    protected TimeProvider Clock => clock;

    /// <summary>Does the work. The service ends when this returns, and starts it again when it throws.</summary>
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
                logger.LogError(e, "{Service} failed unexpectedly and starts again in a second", GetType().Name);
            }
            await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Runs parts of one work at the same time. When one of them ends or fails the others are cancelled, and
    /// its exception is thrown.</summary>
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
