using System.Globalization;

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
    private ReceivedSequences?[] _sequences = [];
    private long _received;
    private long _unknown;
    private long _position;

    // The last id and the length of its epoch.
    private string _id = "";
    private int _epoch;

    // By publisher, the last sequence that is owed. Publishers without an entry owe nothing.
    private long[]? _until;

    internal LedgerReader(DeliveryLedger ledger, string name, int[]? publishers)
    {
        _ledger = ledger;
        Name = name;
        _publishers = publishers;
        foreach (var number in publishers ?? [])
            SequencesOf(number);
    }

    /// <summary>The name in reports.</summary>
    public string Name { get; }

    /// <summary>Events received, duplicates included.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Records an event by the numbers in its payload.</summary>
    /// <param name="publisher">The publisher's number.</param>
    /// <param name="sequence">The publisher's sequence.</param>
    /// <param name="id">The event's id, <c>epoch-position</c>. With it an event that comes after a later one of another
    /// publisher counts as reordered too.</param>
    public void Receive(int publisher, long sequence, string? id = null)
    {
        lock (_gate)
        {
            _received++;
            var late = id is not null && IsLate(id);

            // Never published, or not subscribed by this reader.
            if (
                (uint)publisher >= (uint)_ledger.Publishers.Count
                || sequence < 1
                || sequence > _ledger.Publishers[publisher].Issued
                || !Subscribes(publisher)
            )
                _unknown++;
            else
                SequencesOf(publisher).Receive(sequence, late);
        }
    }

    /// <summary>Records an event. Returns false when its payload has no stamp, such as a control event.</summary>
    /// <param name="payload">The event's data.</param>
    /// <param name="id">The event's id, as for the other overload.</param>
    public bool Receive(ReadOnlySpan<byte> payload, string? id = null)
    {
        if (!Stamp.TryRead(payload, out var publisher, out var sequence))
            return false;
        Receive(publisher, sequence, id);
        return true;
    }

    /// <summary>Sets the first expected sequence of a reader that starts late; earlier events may arrive.</summary>
    public void ExpectFrom(LedgerPublisher publisher, long sequence)
    {
        lock (_gate)
            SequencesOf(publisher.Number).ExpectFrom(sequence);
    }

    /// <summary>
    /// Expects only events whose publishing begins after this call. Call it once the stream is known to be open.
    /// </summary>
    public void ExpectFromNow()
    {
        lock (_gate)
        {
            _until = null;
            foreach (var publisher in _ledger.Publishers.Where(p => Subscribes(p.Number)))
                SequencesOf(publisher.Number).ExpectFrom(publisher.Issued + 1);
        }
    }

    /// <summary>Expects nothing until <see cref="ExpectFromNow"/>, for a reader that is not open yet.</summary>
    public void ExpectNothing()
    {
        lock (_gate)
            _until = [];
    }

    /// <summary>Expects only events that are acknowledged before this call, for a reader that leaves. Only the first
    /// call counts, and no call after <see cref="ExpectNothing"/>.</summary>
    public void ExpectUntilNow()
    {
        lock (_gate)
            _until ??= [.. _ledger.Publishers.Select(publisher => publisher.LastAcknowledged)];
    }

    /// <summary>True when a reader that leaves has received everything up to
    /// <see cref="ExpectUntilNow"/>.</summary>
    public bool HasAllUntil
    {
        get
        {
            lock (_gate)
                return _until is not null && Account().Lost.Count == 0;
        }
    }

    /// <summary>
    /// Excuses everything missing so far, after the server has announced a gap (<c>resync</c>, <c>skipped</c>).
    /// </summary>
    public void ExcuseMissing()
    {
        lock (_gate)
            foreach (var publisher in _ledger.Publishers.Where(p => Subscribes(p.Number)))
                SequencesOf(publisher.Number).ExcuseThrough(publisher.Issued);
    }

    /// <summary>Excuses the events of this range in case they are missing.</summary>
    public void Excuse(LedgerPublisher publisher, long first, long last)
    {
        lock (_gate)
            SequencesOf(publisher.Number).Excuse(first, last);
    }

    internal ReaderAccount Account()
    {
        lock (_gate)
        {
            var account = new ReaderAccount(Name) { Received = _received, Unknown = _unknown };
            foreach (var publisher in _ledger.Publishers)
                if (Subscribes(publisher.Number))
                    SequencesOf(publisher.Number).AddTo(account, publisher, UntilOf(publisher.Number));
            return account;
        }
    }

    private long UntilOf(int publisher) =>
        _until is null ? long.MaxValue
        : publisher < _until.Length ? _until[publisher]
        : 0;

    /// <summary>Compares the id with the last one. A new epoch begins a new order.</summary>
    private bool IsLate(string id)
    {
        var epoch = id.LastIndexOf('-');
        if (epoch < 0 || !long.TryParse(id.AsSpan(epoch + 1), CultureInfo.InvariantCulture, out var position))
            return false;

        var late = position <= _position && id.AsSpan(0, epoch).SequenceEqual(_id.AsSpan(0, _epoch));
        if (!late)
        {
            _id = id;
            _epoch = epoch;
            _position = position;
        }

        return late;
    }

    private bool Subscribes(int publisher) => _publishers is null || Array.IndexOf(_publishers, publisher) >= 0;

    private ReceivedSequences SequencesOf(int publisher)
    {
        if (publisher >= _sequences.Length)
            Array.Resize(ref _sequences, Math.Max(publisher + 1, _ledger.Publishers.Count));
        return _sequences[publisher] ??= new ReceivedSequences();
    }
}
