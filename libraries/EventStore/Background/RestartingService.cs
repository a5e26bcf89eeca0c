using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AspireSse;

/// <summary>A background service that logs an unexpected exception and starts again a second later, so that a loop over
/// the log survives an outage. In a plain <see cref="BackgroundService"/> the exception would stop the
/// process.</summary>
/// <remarks>Needed for a loop over the log or the database that survives an outage, such as a consumer with a
/// checkpoint.</remarks>
/// <param name="logger">The log of the failures.</param>
/// <param name="clock">The clock of the pause.</param>
public abstract class RestartingService(ILogger logger, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The logger that was given.</summary>
    protected ILogger Logger => logger;

    /// <summary>The clock that was given.</summary>
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
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return; // what it used may already be disposed, in a host that is disposed without a stop
            }
            catch (Exception e)
            {
                logger.LogError(e, "{Service} failed unexpectedly and starts again in a second", GetType().Name);
            }
            await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Runs parts concurrently until one ends or fails, then cancels the others, waits for them and throws the
    /// first one's exception. What the others meet meanwhile is no news.</summary>
    internal static async Task TogetherAsync(
        CancellationToken stoppingToken,
        params Func<CancellationToken, Task>[] parts
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var running = parts.Select(part => part(stop.Token)).ToArray();
        var first = await Task.WhenAny(running);
        await stop.CancelAsync();
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }
}
