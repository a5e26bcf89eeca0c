using System.Data;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>
/// Keeps the log within its age and size, and holds nobody up for it. Readers that stand before what was dropped are
/// told
/// (<c>resync</c>, <c>expired</c>).
/// </summary>
public sealed class Retention(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IOptions<EventStoreOptions> options,
    ILogger<Retention> logger
)
{
    /// <summary>The parts of <see cref="EventStoreOptions.MaxBytes"/> that one partition may have.</summary>
    private const int Shares = 8;

    /// <summary>The longest time between looks at the size of the partition that is being written.</summary>
    private static readonly TimeSpan SizeInterval = TimeSpan.FromSeconds(5);

    private bool _waiting;

    /// <summary>Looks again and again until cancelled. One process is enough; more do no harm.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var interval = TimeSpan.FromSeconds(options.Value.RetentionSeconds);
        using var timer = new PeriodicTimer(interval < SizeInterval ? interval : SizeInterval);
        long droppedAt = 0;
        do
        {
            try
            {
                var rolled = await RollAsync(cancellationToken);
                if (!rolled && Stopwatch.GetElapsedTime(droppedAt) < interval)
                    continue;
                droppedAt = Stopwatch.GetTimestamp();
                var dropped = await DropAsync(cancellationToken);
                if (dropped > 0)
                    logger.LogInformation("Dropped {Partitions} old partitions of the log", dropped);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                throw;
            }
            catch (Exception e)
            {
                logger.LogWarning("Old events are not dropped now: {Reason}", e.Message);
            }
        } while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Begins the next partition where the one that is being written has its share of the bytes.</summary>
    public async Task<bool> RollAsync(CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand("select eventstore.roll_partition($1)");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = options.Value.MaxBytes / Shares });
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>
    /// Drops what may go now; the number of partitions. A partition that a long reader (a backup) has seen stays until
    /// that has ended, and
    /// a later call finishes what this one began.
    /// </summary>
    public async Task<int> DropAsync(CancellationToken cancellationToken)
    {
        await using var connection = await store.OpenConnectionAsync(cancellationToken);
        if (!await IsAloneAsync())
            return 0;
        var dropped = 0;
        try
        {
            // Waits for readers are short: who waits here may keep an append from beginning a partition. The rest takes
            // as long as it takes.
            await ExecuteAsync("set lock_timeout = '1s'", cancellationToken);
            await ExecuteAsync("set statement_timeout = 0", cancellationToken);
            await ExecuteAsync(
                "delete from eventstore.recent_ids where time < clock_timestamp() - interval '24 hours'",
                cancellationToken
            );
            await ExecuteAsync(
                "select eventstore.retire_partitions($1, $2)",
                cancellationToken,
                new NpgsqlParameter<TimeSpan> { TypedValue = options.Value.MaxAge },
                new NpgsqlParameter<long> { TypedValue = options.Value.MaxBytes }
            );
            foreach (var name in await NamesAsync("select eventstore.detached_partitions()"))
                await DropTableAsync(name);
            foreach (var name in await NamesAsync("select name from eventstore.retired_partitions() where detaching"))
                await DetachAsync(name, "finalize");
            foreach (var name in await NamesAsync("select name from eventstore.retired_partitions()"))
                await DetachAsync(name, "concurrently");
            _waiting = false;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            if (!_waiting)
                logger.LogInformation(
                    "Old partitions are dropped once a transaction that reads them, perhaps a backup, has ended"
                );
            _waiting = true;
        }
        finally
        {
            // The pool does not reset what it takes back.
            if (connection.State == ConnectionState.Open)
                foreach (
                    var undo in (string[])
                        ["reset lock_timeout", "reset statement_timeout", "select pg_advisory_unlock(7303014, 3)"]
                )
                    await ExecuteAsync(undo, CancellationToken.None);
        }
        return dropped;

        async Task<bool> IsAloneAsync()
        {
            await using var command = new NpgsqlCommand("select pg_try_advisory_lock(7303014, 3)", connection);
            return await command.ExecuteScalarAsync(cancellationToken) is true;
        }

        async Task DetachAsync(string name, string how)
        {
            await ExecuteAsync(
                $"alter table eventstore.events detach partition eventstore.{name} {how}",
                cancellationToken
            );
            await DropTableAsync(name);
        }

        async Task DropTableAsync(string name)
        {
            await ExecuteAsync($"drop table eventstore.{name}", cancellationToken);
            dropped++;
        }

        async Task ExecuteAsync(string sql, CancellationToken token, params NpgsqlParameter[] parameters)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            command.Parameters.AddRange(parameters);
            await command.ExecuteNonQueryAsync(token);
        }

        async Task<List<string>> NamesAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            var names = new List<string>();
            while (await rows.ReadAsync(cancellationToken))
                names.Add(rows.GetString(0));
            return names;
        }
    }
}
