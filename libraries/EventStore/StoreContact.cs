using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Asks Postgres once a second whether it is there, so that <c>/health</c> costs it nothing however often that
/// is asked.</summary>
public sealed class StoreContact(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IOptions<EventStoreOptions> options,
    TimeProvider clock,
    ILogger<StoreContact> logger
) : RestartingService(logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // The beginning of the first question that has had no answer; what waits for one longer than a moment counts as
    // away.
    private long _askedAt = clock.GetTimestamp();
    private volatile bool _failing = true;

    /// <summary>The time for which it has been asked in vain; null while it answers.</summary>
    public TimeSpan? AwayFor
    {
        get
        {
            var waited = clock.GetElapsedTime(Volatile.Read(ref _askedAt));
            return _failing || waited > 3 * Interval ? waited : null;
        }
    }

    /// <summary>Whether it has been away for so long that clients should go elsewhere.</summary>
    public bool IsLost => AwayFor >= TimeSpan.FromSeconds(options.Value.UnhealthySeconds);

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await using (var command = store.CreateCommand("select 1"))
                {
                    command.CommandTimeout = options.Value.UnhealthySeconds;
                    await command.ExecuteScalarAsync(stoppingToken);
                }
                _failing = false;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                _failing = true;
            }
            await Task.Delay(Interval, clock, stoppingToken);
            if (!_failing)
                Volatile.Write(ref _askedAt, clock.GetTimestamp());
        }
    }
}
