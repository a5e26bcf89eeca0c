using EventStore;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Deletes the features' rows that ended long ago, a thousand of each table at a time. One replica does it (a lease);
/// two would do no harm.
/// </summary>
internal sealed class EndedRowsCleanup(
    IEnumerable<EndedRows> tables,
    LeaderLease lease,
    TimeProvider clock,
    ILogger<EndedRowsCleanup> logger
) : RestartingService(logger, clock)
{
    private const string Lease = "cleanup";
    private const int Batch = 1_000;

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1),
        LeaseTime = 3 * Interval;

    /// <summary>Time between two batches, so that a large backlog leaves Postgres to the users.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly string _holder = Guid.NewGuid().ToString("N");

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var hasMore = false;
            try
            {
                if (await lease.HoldAsync(Lease, _holder, LeaseTime, stoppingToken) is not null)
                    hasMore = await DeleteAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Logger.LogWarning("Ended rows could not be deleted, trying again later: {Reason}", e.Message);
            }
            await Task.Delay(hasMore ? Pause : Interval, Clock, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Deletes a batch of each table, and returns whether one may have more. A table that fails keeps none of
    /// the others.</summary>
    private async Task<bool> DeleteAsync(CancellationToken cancellationToken)
    {
        var hasMore = false;
        foreach (var rows in tables)
        {
            try
            {
                var deleted = await rows.DeleteAsync(Batch, cancellationToken);
                if (deleted > 0)
                    Logger.LogInformation("Deleted {Rows} ended rows of {Table}", deleted, rows.Table);
                hasMore |= deleted == Batch;
            }
            catch (StoreUnavailableException e)
            {
                Logger.LogWarning(
                    "Ended rows of {Table} could not be deleted, trying again later: {Reason}",
                    rows.Table,
                    e.InnerException?.Message ?? e.Message
                );
            }
        }
        return hasMore;
    }
}
