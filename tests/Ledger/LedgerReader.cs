namespace Ledger;

/// <summary>
/// What one reader got, over all its connections: it stays the same reader when it reconnects and resumes. Thread-safe,
/// though only calls
/// in the order of receipt can tell the order.
/// </summary>
public sealed class LedgerReader
{
    private readonly DeliveryLedger _ledger;
    private readonly int[]? _publishers;
    private readonly Lock _gate = new();
    private Lane?[] _lanes = [];
    private long _received,
        _unknown;

    internal LedgerReader(DeliveryLedger ledger, string name, int[]? publishers)
    {
        (_ledger, Name, _publishers) = (ledger, name, publishers);
        foreach (var number in publishers ?? [])
            LaneOf(number);
    }

    /// <summary>For the report.</summary>
    public string Name { get; }

    /// <summary>Events received, doubles too.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>An event came, as its payload says.</summary>
    public void Receive(int publisher, long sequence)
    {
        lock (_gate)
        {
            _received++;
            // Nobody here has published that, or this reader did not subscribe it.
            if (
                (uint)publisher >= (uint)_ledger.Publishers.Count
                || sequence < 1
                || sequence > _ledger.Publishers[publisher].Issued
                || !Subscribes(publisher)
            )
                _unknown++;
            else
                LaneOf(publisher).Receive(sequence);
        }
    }

    /// <summary>An event came; false where its payload has no stamp (a control event, another's).</summary>
    public bool Receive(ReadOnlySpan<byte> payload)
    {
        if (!Stamp.TryRead(payload, out var publisher, out var sequence))
            return false;
        Receive(publisher, sequence);
        return true;
    }

    /// <summary>This reader starts late: events of this sequence and later are expected, earlier ones may
    /// come.</summary>
    public void ExpectFrom(LedgerPublisher publisher, long sequence)
    {
        lock (_gate)
            LaneOf(publisher.Number).ExpectFrom(sequence);
    }

    /// <summary>
    /// This reader is live from now on: what any publisher begins to publish after this call is expected. To be called
    /// once the stream is
    /// known to be open.
    /// </summary>
    public void ExpectFromNow()
    {
        lock (_gate)
            foreach (var publisher in _ledger.Publishers.Where(p => Subscribes(p.Number)))
                LaneOf(publisher.Number).ExpectFrom(publisher.Issued + 1);
    }

    /// <summary>
    /// The server has told this reader that events may be missing (<c>resync</c>, <c>skipped</c>): what has not come
    /// and was begun before this
    /// call is excused.
    /// </summary>
    public void ExcuseMissing()
    {
        lock (_gate)
            foreach (var publisher in _ledger.Publishers.Where(p => Subscribes(p.Number)))
                LaneOf(publisher.Number).ExcuseThrough(publisher.Issued);
    }

    /// <summary>The events of this range are excused, should they be missing.</summary>
    public void Excuse(LedgerPublisher publisher, long first, long last)
    {
        lock (_gate)
            LaneOf(publisher.Number).Excuse(first, last);
    }

    internal ReaderAccount Account()
    {
        lock (_gate)
        {
            var account = new ReaderAccount(Name) { Received = _received, Unknown = _unknown };
            foreach (var publisher in _ledger.Publishers)
                if (Subscribes(publisher.Number))
                    LaneOf(publisher.Number).AddTo(account, publisher);
            return account;
        }
    }

    private bool Subscribes(int publisher) => _publishers is null || Array.IndexOf(_publishers, publisher) >= 0;

    private Lane LaneOf(int publisher)
    {
        if (publisher >= _lanes.Length)
            Array.Resize(ref _lanes, Math.Max(publisher + 1, _ledger.Publishers.Count));
        return _lanes[publisher] ??= new Lane();
    }
}
