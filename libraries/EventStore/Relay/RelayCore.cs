namespace EventStore;

/// <summary>Decides, without I/O, which messages let receivers notice every event that they did not get.</summary>
internal sealed class RelayCore
{
    private string _epoch = "";

    /// <summary>The last published position; before the first publish, the head at the start.</summary>
    public long Relayed { get; private set; }

    /// <summary>Positions between the log's head and <see cref="Relayed"/>.</summary>
    public long Lag { get; private set; }

    public void Start(LogPage head)
    {
        _epoch = head.Epoch;
        Relayed = head.Head;
    }

    public bool IsOfNewEpoch(LogPage page) => page.Epoch != _epoch;

    public RelayPage Heartbeat(long fence) => new(_epoch, fence, Relayed, Relayed, Sent: 0);

    /// <summary>Enumerates the messages for a page of the log. Each must be sent before the next is taken.</summary>
    public IEnumerable<RelayPage> Messages(LogPage page, long after, long fence)
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
