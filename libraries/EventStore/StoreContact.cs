using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Checks once a second that Postgres answers, so that requests of <c>/health</c> cost it nothing. After an
/// outage it closes the idle connections, which may have broken. Thread-safe.</summary>
public sealed class StoreContact(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IServiceProvider services,
    IOptions<EventStoreOptions> options,
    TimeProvider clock,
    ILogger<StoreContact> logger
) : RestartingService(logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Start of the first check without an answer. A check without an answer for three seconds counts as failed.
    private long _askedAt = clock.GetTimestamp();
    private volatile bool _failing = true;

    /// <summary>The time since Postgres stopped answering; null while it answers.</summary>
    public TimeSpan? AwayFor
    {
        get
        {
            var waited = clock.GetElapsedTime(Volatile.Read(ref _askedAt));
            return _failing || waited > 3 * Interval ? waited : null;
        }
    }

    /// <summary>Tells if Postgres has not answered for <see cref="EventStoreOptions.UnhealthySeconds"/>: clients should
    /// go to another server.</summary>
    public bool IsLost => AwayFor >= TimeSpan.FromSeconds(options.Value.UnhealthySeconds);

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        var wasAway = false;
        while (true)
        {
            try
            {
                await using (var command = store.CreateCommand("select 1"))
                {
                    command.CommandTimeout = options.Value.UnhealthySeconds;
                    await command.ExecuteScalarAsync(stoppingToken);
                }
                if (wasAway)
                    services.ClearStorePools();
                wasAway = _failing = false;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                wasAway = _failing = true;
            }
            await Task.Delay(Interval, clock, stoppingToken);
            if (!_failing)
                Volatile.Write(ref _askedAt, clock.GetTimestamp());
        }
    }
}
