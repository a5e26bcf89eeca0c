using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>Compares this version's schema with the store's, which may be newer, so that a version can be replaced
/// while it serves. A mismatch fails the start, or stops a service that started without Postgres.</summary>
internal sealed class SchemaAgreement(
    StoreMigrator schema,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<SchemaAgreement> logger
) : IHostedService
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2),
        Interval = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!await IsComparedAsync(cancellationToken))
            _ = Task.Run(CompareLaterAsync, CancellationToken.None);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Returns false if Postgres does not answer; throws if the store lacks a part of the schema.</summary>
    private async Task<bool> IsComparedAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<string> missing;
        try
        {
            missing = await schema.MissingAsync(cancellationToken).WaitAsync(Timeout, clock, cancellationToken);
        }
        catch (Exception e) when (e is StoreUnavailableException or NpgsqlException or TimeoutException)
        {
            return false;
        }

        return missing.Count == 0
            ? true
            : throw new InvalidOperationException(
                "The database of the event log has another schema than this version's: it lacks "
                    + $"{string.Join(", ", missing)}. Check which database the connection string names, and run "
                    + "'StreamApi migrate' of this version, or EnsureSchemaAsync in an application of your own."
            );
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
