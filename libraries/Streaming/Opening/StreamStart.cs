using EventStore;
using Streaming.Fanout;
using Streaming.Feed;

namespace Streaming.Opening;

/// <summary>Finds where a stream starts, and asks the store only where this replica cannot tell.</summary>
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
