using EventStore;

namespace Broadcaster;

/// <summary>Decides what a leader sends, so that receivers notice every event that they did not get. Without I/O:
/// <see cref="Relay"/> reads the pages, and sends the messages.</summary>
internal sealed class RelayCore
{
    private string _epoch = "";

    /// <summary>The last published position; before the first publish, the head at the start.</summary>
    public long Relayed { get; private set; }

    /// <summary>Positions between the log's head and <see cref="Relayed"/>.</summary>
    public long Lag { get; private set; }

    /// <summary>Starts a term at the head.</summary>
    public void Start(EventPage head)
    {
        _epoch = head.Epoch;
        Relayed = head.Head;
    }

    /// <summary>Returns true if the page begins an epoch.</summary>
    public bool IsOfNewEpoch(EventPage page) => page.Epoch != _epoch;

    public RelayPage Heartbeat(long fence) => new(_epoch, fence, Relayed, Relayed, Sent: 0);

    /// <summary>Enumerates the messages for a page of the log. Each must have been sent before the next is
    /// taken.</summary>
    /// <param name="page">The page.</param>
    /// <param name="after">The position that it was read after.</param>
    /// <param name="fence">The leader's fencing number.</param>
    public IEnumerable<RelayPage> Messages(EventPage page, long after, long fence)
    {
        if (IsOfNewEpoch(page))
        {
            _epoch = page.Epoch;
            // The page lacks the events before it in the new history, so receivers without them must see a gap.
            Relayed = page.Events.Count == 0 ? page.Head : after;
            yield return Heartbeat(fence);
        }

        // Events that retention dropped before they were relayed must be a gap to receivers.
        Relayed = Math.Max(Relayed, page.DroppedThrough);
        if (page.Events.Count > 0)
        {
            var last = page.Events[^1].Position;
            yield return new RelayPage(page.Epoch, fence, Relayed, last, Sent: 0);
            Relayed = last;
        }

        Lag = Math.Max(0, page.Head - page.Through);
    }
}
