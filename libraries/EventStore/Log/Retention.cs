using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>
/// Drops whole partitions, those whose events are all older than <see cref="EventStoreOptions.MaxAge"/>, and the oldest
/// beyond <see cref="EventStoreOptions.MaxBytes"/>, but never the partition of the next event (SQL:
/// Schema/Functions/retire_partitions.sql; docs/decisions/0015). A reader before a dropped position gets a resync
/// (<c>expired</c>). Beside the log it deletes what is older, and what has outlived its own time
/// (docs/personal-data.md). Thread-safe.
/// </summary>
internal sealed class Retention(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IOptions<EventStoreOptions> options,
    TimeProvider clock,
    ILogger<Retention> logger
)
{
    /// <summary>A partition takes at most an eighth of <see cref="EventStoreOptions.MaxBytes"/>, and the events of an
    /// eighth of <see cref="EventStoreOptions.MaxAge"/>, so no event is older than nine eighths.</summary>
    private const int Shares = 8;

    /// <summary>Number of calls in a row that find retention's lock taken, after which a warning is logged.</summary>
    private const int Rounds = 3;

    /// <summary>Longest time between checks of the current partition's size.</summary>
    private static readonly TimeSpan SizeInterval = TimeSpan.FromSeconds(5);

    private bool _waiting;
    private int _kept;

    /// <summary>Drops old partitions every <see cref="EventStoreOptions.RetentionSeconds"/> until cancelled. One
    /// process is enough; several do no harm.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var interval = TimeSpan.FromSeconds(options.Value.RetentionSeconds);
        using var timer = new PeriodicTimer(interval < SizeInterval ? interval : SizeInterval, clock);

        long? droppedAt = null;
        do
        {
            try
            {
                var rolled = await RollAsync(cancellationToken);
                if (!rolled && droppedAt is { } last && clock.GetElapsedTime(last) < interval)
                    continue;

                droppedAt = clock.GetTimestamp();
                var dropped = await DropAsync(cancellationToken);
                if (dropped > 0)
                    logger.LogInformation("Dropped {Partitions} old partitions of the log", dropped);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                logger.LogWarning("Old events could not be dropped, trying again later: {Reason}", e.Message);
            }
        } while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Starts the next partition if the current one has reached its share of the bytes or of the age, and then
    /// returns true.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer, or the log is locked.</exception>
    public async Task<bool> RollAsync(CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand("select eventstore.roll_partition($1, $2)");
        command.With(options.Value.MaxBytes / Shares).With(options.Value.MaxAge / Shares);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <summary>
    /// Drops the partitions that are too old or too many, and returns their number. A partition that a long transaction
    /// reads (a backup) stays until the transaction ends; a later call drops it.
    /// </summary>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    public async Task<int> DropAsync(CancellationToken cancellationToken)
    {
        await using var connection = await store.OpenConnectionAsync(cancellationToken);
        await using var round = await RetentionRound.BeginAsync(connection, cancellationToken);
        if (round is null)
        {
            WarnOfLock();
            return 0;
        }

        _kept = 0;

        try
        {
            await round.SetTimeoutsAsync(cancellationToken);
            var refused = await round.ForgetRowsAsync(options.Value.MaxAge, cancellationToken);
            if (refused > 0)
                logger.LogWarning(
                    "Deleted {Rows} rows of eventstore.outbox_refused that nobody has corrected within MaxAge",
                    refused
                );
            var ended = await round.EndRunsAsync(options.Value.MaxAge, cancellationToken);
            if (ended > 0)
                logger.LogWarning("Ended {Runs} runs that had been open for longer than MaxAge", ended);

            await round.RetireAsync(options.Value.MaxAge, options.Value.MaxBytes, cancellationToken);
            await round.DropUnfinishedAsync(cancellationToken);
            await round.DropRetiredAsync(cancellationToken);
            _waiting = false;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            if (!_waiting)
                logger.LogInformation(
                    "A transaction, perhaps a backup, reads old partitions: they are dropped after it has ended"
                );
            _waiting = true;
        }

        return round.Dropped;
    }

    private void WarnOfLock()
    {
        if (++_kept == Rounds)
            logger.LogWarning(
                "Old events are not dropped: another session holds retention's lock (pg_locks: advisory, 7303014, "
                    + "3). If its process is gone, end it with pg_terminate_backend"
            );
    }
}
