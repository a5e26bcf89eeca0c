using System.Diagnostics;
using EventStore;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>Publishes the pages that replicas send of their own commits, each as soon as it continues the rings.
/// Thread-safe.</summary>
/// <remarks>What is lost, the Broadcaster's next message shows.</remarks>
internal sealed class DirectPages(FilterRingRegistry rings)
{
    private readonly Lock _gate = new();
    private readonly EarlyPages _early = new();

    /// <exception cref="Exception">The page contradicts itself; which exception it is depends on the bytes.</exception>
    public void Take(RelayPage page)
    {
        if (page.Epoch != rings.Epoch)
        {
            // The feed finds out which of the two is the newer one.
            rings.Epochs.Saw(page.Epoch);
            return;
        }

        lock (_gate)
        {
            // Refused now, because later it is the feed that would fail.
            if (page.Previous > rings.Settled)
                page.ReadEvents();
            _early.Add(page);
            Advance();
        }
    }

    /// <summary>Publishes pages that waited for what has been published since.</summary>
    public void Advance()
    {
        lock (_gate)
            while (_early.TryTake(rings.Settled, out var page))
                if (page.Last > rings.Settled && !rings.TryLeaveOut(page))
                    Publish(page);
    }

    private void Publish(RelayPage page)
    {
        var events = page.ReadEvents();
        using var span = EventTracing.StartBatch("sse fan-out", ActivityKind.Consumer, events, page.TraceParent);
        rings.TryPublishNext(new CommittedEvents(page.Epoch, page.Previous, events));
    }
}
