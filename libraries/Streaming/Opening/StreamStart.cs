using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Metrics;

namespace Streaming.Opening;

/// <summary>Finds the start of a stream. Asks the store only if this replica cannot decide.</summary>
internal sealed class StreamStart(FilterRingRegistry rings, StoreHead storeHead, StreamingMetrics metrics)
{
    /// <summary>Longest wait for the feed to reach an epoch that the store has.</summary>
    private static readonly TimeSpan EpochLimit = TimeSpan.FromSeconds(5);

    /// <summary>Returns the start, or null if the client should reconnect later, because only the store can
    /// tell.</summary>
    public async Task<StartDecision?> OfAsync(StreamRequest request, CancellationToken cancellationToken)
    {
        if ((request.StartAfter ?? request.ResyncAfter) is { } given)
            await rings.Epochs.WaitForAsync(given.Epoch, EpochLimit, cancellationToken);

        var (lineage, settled) = rings.Now;
        if (StartDecision.WithoutStore(request, settled, lineage) is { } known)
            return Counted(request, known);

        var isNeeded = IsFromEarliest(request) || StartDecision.WithStore(request, settled, lineage, null) is null;
        var stored = await storeHead.ReadAsync(isNeeded, cancellationToken);
        if (stored is not null && await rings.Epochs.WaitForAsync(stored.Epoch, EpochLimit, cancellationToken))
            (lineage, settled) = rings.Now;

        StreamPosition? head = stored is null ? null : new StreamPosition(stored.Epoch, stored.Head);
        if (StartDecision.WithStore(request, settled, lineage, head) is not { } start)
            return null;

        if (!IsFromEarliest(request))
            return Counted(request, start);

        return stored is null ? null : EarliestOf(start, stored.DroppedThrough);
    }

    private static bool IsFromEarliest(StreamRequest request) =>
        request is { FromEarliest: true, Last.Text: null, StartAfter: null };

    private static StartDecision EarliestOf(StartDecision start, long droppedThrough)
    {
        var earliest = start.Head with { Position = droppedThrough };
        return start with { After = earliest, From = earliest };
    }

    private StartDecision Counted(StreamRequest request, StartDecision start)
    {
        if (start.Kind == StartKind.Resumed)
            metrics.Resumed(fromMemory: rings.IsRecent(request.Filter, start.From.Position));
        else if (start.Kind == StartKind.Resync)
            metrics.Resynced(start.Reason);
        return start;
    }
}
