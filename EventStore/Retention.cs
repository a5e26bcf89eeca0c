using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Keeps the log within its age and size. Readers that stand before what was dropped are told (<c>resync</c>, <c>expired</c>).</summary>
public sealed class Retention(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store, IOptions<EventStoreOptions> options, ILogger<Retention> logger)
{
    /// <summary>Looks again and again until cancelled. One process is enough; more do no harm.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.RetentionSeconds));
        do
        {
            try
            {
                var dropped = await DropAsync(cancellationToken);
                if (dropped > 0) logger.LogInformation("Dropped {Partitions} old partitions of the log", dropped);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException) { logger.LogWarning("Old events are not dropped now: {Reason}", e.Message); }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Drops what may go now; the number of partitions.</summary>
    public async Task<int> DropAsync(CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand("select eventstore.drop_old($1, $2)");
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = options.Value.MaxAge });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = options.Value.MaxBytes });
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
