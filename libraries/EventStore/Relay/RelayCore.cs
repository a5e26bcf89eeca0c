namespace EventStore;

/// <summary>Decides, without I/O, which messages let receivers notice every event that they did not get.
/// Thread-safe.</summary>
internal sealed class RelayCore
{
    private readonly Lock _gate = new();
    private readonly EarlyPages _early = new();
    private string _epoch = "";
    private long _relayed;

    /// <summary>The last position that was published, here or by the replica that committed it; before the first
    /// publish, the head at the start.</summary>
    public long Relayed => Volatile.Read(ref _relayed);

    /// <summary>Positions between the log's head and <see cref="Relayed"/>.</summary>
    public long Lag { get; private set; }

    public void Start(LogPage head)
    {
        lock (_gate)
        {
            _epoch = head.Epoch;
            Advance(head.Head);
        }
    }

    public bool IsOfNewEpoch(LogPage page) => page.Epoch != _epoch;

    /// <summary>Notes a page that the replica of its commit has published. A receiver without it notices by the next
    /// message.</summary>
    public void Hear(RelayPage page)
    {
        lock (_gate)
        {
            if (page.Epoch != _epoch)
                return;
            _early.Add(page with { Events = default });
            Advance(Relayed);
        }
    }

    public RelayPage Heartbeat(long fence)
    {
        lock (_gate)
            return new RelayPage(_epoch, fence, Relayed, Relayed, Sent: 0);
    }

    /// <summary>Enters the epoch of a page of the log. If it is a new one, a heartbeat must be sent before the
    /// page.</summary>
    /// <param name="after">The position after which the page was read.</param>
    /// <returns>False if the epoch is the same.</returns>
    public bool TryEnter(LogPage page, long after)
    {
        lock (_gate)
        {
            if (!IsOfNewEpoch(page))
                return false;

            _epoch = page.Epoch;
            // The page lacks the events before it in the new history, so receivers without them must see a gap.
            Advance(page.Events.Count == 0 ? page.Head : after);
            return true;
        }
    }

    /// <summary>Returns the message for the events of a page after <see cref="RelayPage.Previous"/>, or null if all
    /// have been published. It must be sent before the next one.</summary>
    public RelayPage? Next(LogPage page, long fence)
    {
        lock (_gate)
        {
            Lag = Math.Max(0, page.Head - page.Through);

            // Events that retention dropped before they were relayed must be a gap to receivers.
            Advance(Math.Max(Relayed, page.DroppedThrough));

            var previous = Relayed;
            if (page.Events.Count == 0 || page.Events[^1].Position is var last && last <= previous)
                return null;

            Advance(last);
            return new RelayPage(page.Epoch, fence, previous, last, Sent: 0);
        }
    }

    private void Advance(long position)
    {
        while (_early.TryTake(position, out var page))
            if (page.Epoch == _epoch)
                position = Math.Max(position, page.Last);
        Volatile.Write(ref _relayed, position);
    }
}
