using EventStore;
using Streaming.Fanout;
using Streaming.Metrics;

namespace Streaming.Replay;

internal sealed class StorePages(
    FilterRingRegistry rings,
    [FromKeyedServices(StorePool.Replays)] ILogReader reader,
    StreamingMetrics metrics
)
{
    public async Task<ReplayPage> ReadAsync(ReplayRange range, CancellationToken cancellationToken)
    {
        var read = await ReadEventsAsync(range, cancellationToken);
        var found = read.Page;
        metrics.Replayed(found.Events.Count);
        rings.Epochs.Saw(found.Epoch);

        var frames = new LogFrame[found.Events.Count];
        for (var i = 0; i < frames.Length; i++)
            frames[i] = LogFrame.Of(found.Epoch, found.Events[i], range.Filter.Format);

        var page = new ReplayPage(found.Epoch, found.DroppedThrough, frames, found.Through, IsSearch: found.IsSearch);
        return range.Through is null ? page with { Skipped = read.Skipped, SkippedThrough = read.Through } : page;
    }

    private async Task<NewestPage> ReadEventsAsync(ReplayRange range, CancellationToken cancellationToken)
    {
        var events = range.Filter.Events;
        if (range.Newest)
            return await reader.ReadNewestAsync(range.After, events, range.Bytes, range.Through, cancellationToken);

        var page = await reader.ReadAsync(
            range.After,
            events,
            range.Events,
            mostBytes: range.Bytes,
            cancellationToken: cancellationToken
        );

        return new NewestPage(page, null, 0);
    }
}
