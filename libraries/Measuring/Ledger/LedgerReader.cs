namespace Measuring.Ledger;

/// <summary>
/// The receipts of one reader, over all its connections. Thread-safe, but order can only be judged when calls come in
/// the order of receipt.
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

    /// <summary>The name in reports.</summary>
    public string Name { get; }

    /// <summary>Events received, duplicates included.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Records an event by the numbers in its payload.</summary>
    public void Receive(int publisher, long sequence)
    {
        lock (_gate)
        {
            _received++;
            // Never published, or not subscribed by this reader.
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

    /// <summary>Records an event. Returns false when its payload has no stamp, such as a control event.</summary>
    public bool Receive(ReadOnlySpan<byte> payload)
    {
        if (!Stamp.TryRead(payload, out var publisher, out var sequence))
            return false;
        Receive(publisher, sequence);
        return true;
    }

    /// <summary>Sets the first expected sequence of a reader that starts late; earlier events may arrive.</summary>
    public void ExpectFrom(LedgerPublisher publisher, long sequence)
    {
        lock (_gate)
            LaneOf(publisher.Number).ExpectFrom(sequence);
    }

    /// <summary>
    /// Expects only events whose publishing begins after this call. Call it once the stream is known to be open.
    /// </summary>
    public void ExpectFromNow()
    {
        lock (_gate)
            foreach (var publisher in _ledger.Publishers.Where(p => Subscribes(p.Number)))
                LaneOf(publisher.Number).ExpectFrom(publisher.Issued + 1);
    }

    /// <summary>
    /// Excuses everything missing so far, after the server has announced a gap (<c>resync</c>, <c>skipped</c>).
    /// </summary>
    public void ExcuseMissing()
    {
        lock (_gate)
            foreach (var publisher in _ledger.Publishers.Where(p => Subscribes(p.Number)))
                LaneOf(publisher.Number).ExcuseThrough(publisher.Issued);
    }

    /// <summary>Excuses the events of this range in case they are missing.</summary>
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
