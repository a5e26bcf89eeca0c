using EventStore;
using Streaming.Fanout;
using Streaming.Feed;

namespace Streaming.Opening;

/// <summary>
/// Finds the position at which a stream starts. It asks the store only if this replica cannot decide.
/// </summary>
internal sealed class StreamStart(
    FilterLogs logs,
    StoreHead storeHead,
    [FromKeyedServices(StorePool.Replays)] EventReader reader,
    StreamingMetrics metrics
)
{
    /// <summary>Longest wait for the feed to reach an epoch that the store has.</summary>
    private static readonly TimeSpan EpochLimit = TimeSpan.FromSeconds(5);

    /// <summary>Returns the start; null if the client should reconnect later, because only the store can
    /// tell.</summary>
    public async Task<StartPosition?> OfAsync(StreamRequest request, CancellationToken cancellationToken)
    {
        if ((request.StartAfter ?? request.ResyncAfter) is { } given)
            await logs.Epochs.WaitForAsync(given.Epoch, EpochLimit, cancellationToken);
        var (lineage, settled) = logs.Now;
        if (StartPosition.WithoutStore(request, settled, lineage) is { } known)
            return await CountedAsync(request, known, cancellationToken);
        var stored = await storeHead.ReadAsync(cancellationToken);
        if (stored is { } head && await logs.Epochs.WaitForAsync(head.Epoch, EpochLimit, cancellationToken))
            (lineage, settled) = logs.Now;
        return StartPosition.WithStore(request, settled, lineage, stored) is { } start
            ? await CountedAsync(request, start, cancellationToken)
            : null;
    }

    private async Task<StartPosition> CountedAsync(
        StreamRequest request,
        StartPosition start,
        CancellationToken cancellationToken
    )
    {
        if (start.Kind == StartKind.Resumed)
            metrics.Resumed(fromMemory: logs.IsRecent(request.Filter, start.From.Position));
        else if (start.Kind == StartKind.Resync)
            metrics.Resynced(start.Reason);
        else if (request.FromEarliest && request.StartAfter is null)
        {
            var dropped = (await reader.HeadAsync(cancellationToken)).DroppedThrough;
            var earliest = start.Head with { Position = dropped };
            return start with { After = earliest, From = earliest };
        }
        return start;
    }
}
