using EventStore;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>
/// Leads the filter logs from one epoch of the store to the next (docs/decisions/0026). Used by the feed.
/// </summary>
internal sealed class EpochChange(FilterLogs logs, FeedStore store, ILogger<EpochChange> logger)
{
    /// <summary>Starts the logs in the store's epoch.</summary>
    /// <returns>False if another server answers now, which does not have the epoch.</returns>
    public async Task<bool> StartAsync(string epoch, long position, CancellationToken stoppingToken)
    {
        if (await store.LineageAsync(epoch, stoppingToken) is not { } lineage)
            return false;
        logs.Reset(lineage, position);
        return true;
    }

    /// <summary>
    /// Enters the epoch of a page of the store. If it has everything that was published here, the streams continue;
    /// otherwise the logs start again after the last shared position, and streams beyond it get a resync.
    /// </summary>
    /// <returns>True if the page follows what was published; false if the feed must read on after
    /// <see cref="FilterLogs.Settled"/>. Null if another server answers now, which does not have the epoch.</returns>
    public async Task<bool?> EnterAsync(EventPage page, CancellationToken stoppingToken)
    {
        var former = logs.Epoch;
        if (await store.LineageAsync(page.Epoch, stoppingToken) is not { } lineage)
            return null;
        if (logs.TryContinue(lineage))
        {
            logger.LogInformation(
                "The store's epoch changed from {Old} to {New}, which has every event delivered here: streams continue",
                former,
                page.Epoch
            );
            return true;
        }
        var shared = lineage.SharedWith(former);
        logger.LogWarning(
            "The store's epoch changed from {Old} to {New}, which has the events up to {Position} in common: streams "
                + "beyond it get a resync",
            former,
            page.Epoch,
            shared ?? 0
        );
        logs.Reset(lineage, shared ?? page.Head);
        return false;
    }
}
