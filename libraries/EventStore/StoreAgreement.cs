using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>
/// Compares this service with the store. The start fails on a mismatch. Without Postgres the service starts, and stops
/// at the first mismatch.
/// </summary>
internal abstract class StoreAgreement(IHostApplicationLifetime lifetime, TimeProvider clock, ILogger logger)
    : IHostedService
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2),
        Interval = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!await IsComparedAsync(cancellationToken))
            _ = Task.Run(CompareLaterAsync, CancellationToken.None);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Compares; false if the store cannot tell yet.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    /// <exception cref="InvalidOperationException">They do not fit.</exception>
    protected abstract Task<bool> CompareAsync(CancellationToken cancellationToken);

    private async Task<bool> IsComparedAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await CompareAsync(cancellationToken).WaitAsync(Timeout, clock, cancellationToken);
        }
        catch (Exception e) when (e is StoreUnavailableException or NpgsqlException or TimeoutException)
        {
            return false;
        }
    }

    private async Task CompareLaterAsync()
    {
        try
        {
            do await Task.Delay(Interval, clock, lifetime.ApplicationStopping);
            while (!await IsComparedAsync(lifetime.ApplicationStopping));
        }
        catch (OperationCanceledException) { }
        catch (InvalidOperationException e)
        {
            logger.LogCritical("The service stops: {Reason}", e.Message);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }
}
