namespace Measuring.Ledger;

/// <summary>The events published by one source. Thread-safe.</summary>
public sealed class LedgerPublisher
{
    private readonly Lock _gate = new();
    private readonly SequenceSet _acknowledged = new();
    private readonly Dictionary<long, string>? _positions;
    private long _issued;

    internal LedgerPublisher(int number, string name, bool keepPositions)
    {
        Number = number;
        Name = name;
        if (keepPositions)
            _positions = [];
    }

    /// <summary>The publisher's number, carried in the payload.</summary>
    public int Number { get; }

    /// <summary>The name in reports.</summary>
    public string Name { get; }

    /// <summary>Returns the sequence of the next event, starting at 1, to carry in its payload.</summary>
    public long Next() => Interlocked.Increment(ref _issued);

    /// <summary>The last sequence given out.</summary>
    public long Issued => Volatile.Read(ref _issued);

    /// <summary>The number of acknowledged events.</summary>
    public long Acknowledged
    {
        get
        {
            lock (_gate)
                return _acknowledged.Ranges.Sum(r => r.Last - r.First + 1);
        }
    }

    /// <summary>The largest acknowledged sequence; 0 without any.</summary>
    internal long LastAcknowledged
    {
        get
        {
            lock (_gate)
                return _acknowledged.Max;
        }
    }

    /// <summary>
    /// Records the server's promise to deliver an event. Without it a missing event does not count as lost, but a
    /// repeated one counts as a duplicate.
    /// </summary>
    /// <param name="sequence">A sequence returned by <see cref="Next"/>.</param>
    /// <param name="position">The server's id of the event.</param>
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

    /// <summary>Returns the acknowledged ranges within [first, last].</summary>
    internal List<(long First, long Last)> AcknowledgedWithin(long first, long last = long.MaxValue)
    {
        lock (_gate)
            return [.. _acknowledged.Within(first, last)];
    }
}
