namespace Ledger;

/// <summary>What one source has published. Thread-safe.</summary>
public sealed class LedgerPublisher
{
    private readonly Lock _gate = new();
    private readonly SequenceSet _acknowledged = new();
    private readonly Dictionary<long, string>? _positions;
    private long _issued;

    internal LedgerPublisher(int number, string name, bool keepPositions)
    {
        (Number, Name) = (number, name);
        if (keepPositions)
            _positions = [];
    }

    /// <summary>To be carried in the payload.</summary>
    public int Number { get; }

    /// <summary>For the report.</summary>
    public string Name { get; }

    /// <summary>The sequence of the next event, from 1, to be carried in its payload.</summary>
    public long Next() => Interlocked.Increment(ref _issued);

    /// <summary>The last sequence given out.</summary>
    public long Issued => Volatile.Read(ref _issued);

    /// <summary>How many events were acknowledged.</summary>
    public long Acknowledged
    {
        get
        {
            lock (_gate)
                return _acknowledged.Ranges.Sum(r => r.Last - r.First + 1);
        }
    }

    /// <summary>
    /// The server has promised this event. What is never acknowledged may come or not: it is no loss, but twice is
    /// still twice.
    /// </summary>
    /// <param name="sequence">As given out by <see cref="Next"/>.</param>
    /// <param name="position">The server's id of it.</param>
    public void Acknowledge(long sequence, string? position = null)
    {
        if (sequence < 1 || sequence > Issued)
            throw new ArgumentOutOfRangeException(nameof(sequence), sequence, $"{Name} has given out 1 to {Issued}.");
        lock (_gate)
        {
            _acknowledged.Add(sequence, sequence);
            if (position is not null)
                _positions?.TryAdd(sequence, position);
        }
    }

    internal string? PositionOf(long sequence)
    {
        lock (_gate)
            return _positions?.GetValueOrDefault(sequence);
    }

    /// <summary>Of the events of [first, last], or to the last of all, those acknowledged.</summary>
    internal List<(long First, long Last)> AcknowledgedWithin(long first, long last = long.MaxValue)
    {
        lock (_gate)
            return [.. _acknowledged.Within(first, last)];
    }
}
