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
    public async Task<StartPosition> OfAsync(StreamRequest request, CancellationToken cancellationToken)
    {
        var settled = new StreamId(logs.Epoch, logs.Settled);
        var start =
            StartPosition.WithoutStore(request, settled)
            ?? StartPosition.WithStore(request, settled, await storeHead.ReadAsync(cancellationToken));
        if (start.Kind == StartKind.Resumed)
            metrics.Resumed(fromMemory: start.From.Position >= logs.RecentBase);
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
