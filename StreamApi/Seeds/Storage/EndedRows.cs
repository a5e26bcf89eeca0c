using EventStore;
using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>Deletes tasks, orders and sessions that have ended, once their events have left the log. Every replica does
/// it: each takes the rows that no other is at.</summary>
internal sealed class EndedRows(
    [FromKeyedServices(StorePool.Work)] NpgsqlDataSource store,
    TimeProvider clock,
    ILogger<EndedRows> logger
) : RestartingService(logger, clock)
{
    private const int Batch = 1_000;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Time between two batches, so that a large backlog leaves Postgres to the users.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly (string Table, string Sql)[] Deletions =
    [
        Deletion("tasks", "status = 'done'", "updated_at", "'tasks.' || ended.id"),
        Deletion("orders", "next_step_at is null", "updated_at", "'petstore.orders.' || ended.id || '.status'"),
        // A new session of the same name counts from 1 again, and a topic has each number once.
        Deletion(
            "sessions",
            "next_at is null",
            "seen_at",
            "'sse.resilient.' || ended.id",
            "'sse.resilient.' || ended.id || '.control'"
        ),
    ];

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var hasMore = false;
            try
            {
                hasMore = await DeleteAsync(stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Logger.LogWarning("Ended rows could not be deleted, trying again later: {Reason}", e.Message);
            }

            await Task.Delay(hasMore ? Pause : Interval, Clock, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Deletes a batch of each table, and returns whether one may have more. A table that fails keeps none of
    /// the others.</summary>
    internal async Task<bool> DeleteAsync(CancellationToken cancellationToken)
    {
        var hasMore = false;
        foreach (var (table, sql) in Deletions)
        {
            try
            {
                var deleted = await store.ChangeAsync(
                    sql,
                    command => command.ExecuteNonQueryAsync(CancellationToken.None),
                    cancellationToken
                );
                hasMore |= deleted == Batch;
            }
            catch (StoreUnavailableException e)
            {
                Logger.LogWarning(
                    "Ended {Table} could not be deleted, trying again later: {Reason}",
                    table,
                    e.InnerException?.Message ?? e.Message
                );
            }
        }

        return hasMore;
    }

    /// <param name="hasEnded">Condition of rows that have ended.</param>
    /// <param name="changedAt">Column of the last change's time; an index leads to the oldest ended rows.</param>
    /// <param name="topics">Expressions of the topics of the row <c>ended</c>.</param>
    private static (string Table, string Sql) Deletion(
        string table,
        string hasEnded,
        string changedAt,
        params string[] topics
    )
    {
        // Locks the rows first: a row that a user changes meanwhile, so that it has not ended, stays.
        var sql = $"""
            delete from seeds.{table} where id in (
                select id from seeds.{table} ended
                where {hasEnded} and {changedAt} < coalesce({TopicReader.OldestTime}, clock_timestamp())
                    and {string.Join(" and ", topics.Select(TopicReader.HasNoEvents))}
                order by {changedAt} limit {Batch} for update skip locked
            )
            """;
        return (table, sql);
    }
}
