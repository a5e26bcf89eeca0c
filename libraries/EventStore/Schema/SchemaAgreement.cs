using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>Compares this version's schema with the store's, which may be newer, so that a version can be replaced
/// while it serves. A mismatch fails the start or, in a service that started without Postgres, this background service;
/// the host then decides (<see cref="HostOptions.BackgroundServiceExceptionBehavior"/>).</summary>
internal sealed class SchemaAgreement(StoreMigrator schema, TimeProvider clock, ILogger<SchemaAgreement> logger)
    : BackgroundService
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!await IsComparedAsync(cancellationToken))
            await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var isCompared = false; !isCompared; )
        {
            await Task.Delay(Interval, clock, stoppingToken);
            try
            {
                isCompared = await IsComparedAsync(stoppingToken);
            }
            catch (InvalidOperationException e)
            {
                logger.LogCritical("The event log cannot be used: {Reason}", e.Message);
                throw;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                logger.LogError(e, "The schema could not be compared, which is tried again");
            }
        }
    }

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
                    + "'StreamApi migrate' of this version, or EnsureSchemaAsync in an application of your own. The "
                    + "latter replaces no newer version's functions: EventStoreSchema.Script() does."
            );
    }
}
