using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Resilient;

namespace StreamApi.Seeds.Storage;

/// <summary>Deletes tasks, orders and sessions that have ended, once their events have left the log. Every replica does
/// it: each takes the rows that no other is at.</summary>
internal sealed class EndedRows(SeedsStore store, TopicReader topics, TimeProvider clock, ILogger<EndedRows> logger)
    : RestartingService(logger, clock)
{
    private const int Batch = 1_000;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Time between two batches, so that a large backlog leaves Postgres to the users.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly Ended[] Tables =
    [
        new("tasks", "uuid", "status = 'done'", "updated_at", id => [$"tasks.{id}"]),
        new("orders", "uuid", "next_step_at is null", "updated_at", id => [Petstore.Order.Topic(Guid.Parse(id))]),
        // A new session of the same name counts from 1 again, and a topic has each number once.
        new("sessions", "text", "next_at is null", "seen_at", id => [Session.Topic(id), Session.ControlTopic(id)]),
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
        foreach (var table in Tables)
        {
            try
            {
                hasMore |= await DeleteAsync(table, cancellationToken) == Batch;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                Logger.LogWarning(
                    "Ended {Table} could not be deleted, trying again later: {Reason}",
                    table.Name,
                    e.InnerException?.Message ?? e.Message
                );
            }
        }

        return hasMore;
    }

    /// <summary>Deletes the oldest ended rows, as far as the log has lost their events, and returns their
    /// number.</summary>
    private async Task<int> DeleteAsync(Ended table, CancellationToken cancellationToken)
    {
        List<Row> oldest;
        await using (var db = store.CreateReader())
            oldest = await db.Database.SqlQueryRaw<Row>(table.Oldest).ToListAsync(cancellationToken);
        if (oldest.Count == 0)
            return 0;

        var ofRows = oldest.ToDictionary(row => row.Id, row => table.TopicsOf(row.Id));
        var gone = (
            await topics.WithoutEventsAsync([.. ofRows.Values.SelectMany(of => of)], cancellationToken)
        ).ToHashSet();
        string[] ids = [.. ofRows.Where(of => of.Value.All(gone.Contains)).Select(of => of.Key)];
        if (ids.Length == 0)
            return 0;

        // A row that has been changed since then may have events again.
        return await store.ChangeAsync(
            db => db.Database.ExecuteSqlRawAsync(table.Deletion, [ids, oldest[^1].ChangedAt], CancellationToken.None),
            cancellationToken
        );
    }

    private sealed record Row(string Id, DateTimeOffset ChangedAt);

    /// <summary>A table whose rows end.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="IdType">Type of its key in Postgres.</param>
    /// <param name="HasEnded">Condition of rows that have ended.</param>
    /// <param name="ChangedAt">Column of the last change's time; an index leads to the oldest ended rows.</param>
    /// <param name="TopicsOf">The topics of a row.</param>
    private sealed record Ended(
        string Name,
        string IdType,
        string HasEnded,
        string ChangedAt,
        Func<string, string[]> TopicsOf
    )
    {
        public string Oldest =>
            $"""
                select id::text as "Id", {ChangedAt} as "ChangedAt" from seeds.{Name}
                where {HasEnded} order by {ChangedAt} limit {Batch}
                """;

        /// <summary>Locks the rows first: a row that is changed meanwhile, so that it has not ended, stays.</summary>
        public string Deletion =>
            $$"""
                delete from seeds.{{Name}} where id in (
                    select id from seeds.{{Name}}
                    where id = any({0}::{{IdType}}[]) and {{HasEnded}} and {{ChangedAt}} <= {1} for update skip locked
                )
                """;
    }
}
