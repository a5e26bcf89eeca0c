using System.Collections.Concurrent;

namespace Measuring.Ledger;

/// <summary>Detects lost, duplicated and reordered events without the system's help, by publisher and sequence
/// (<see cref="Stamp"/>); the system's ids are used only to check the order between publishers. Thread-safe.</summary>
/// <remarks>A reader takes about 100 bytes per publisher, however many events; only faults add to that.</remarks>
public sealed class DeliveryLedger
{
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<LedgerReader> _readers = new();
    private LedgerPublisher[] _publishers = [];

    /// <summary>Adds a source of events. Readers are checked against its order, so it must publish one request at a
    /// time, always to the same topics; add more publishers for concurrency or for other topics.</summary>
    /// <param name="keepPositions">True to show the position of each lost event; this costs the length of a position
    /// per event.</param>
    public LedgerPublisher AddPublisher(string name, bool keepPositions = false)
    {
        lock (_gate)
        {
            var publisher = new LedgerPublisher(_publishers.Length, name, keepPositions);
            _publishers = [.. _publishers, publisher];
            return publisher;
        }
    }

    /// <summary>Adds a reader of the given publishers, or of all current and later ones when none is given. A reader
    /// that starts late calls <see cref="LedgerReader.ExpectFrom"/> or
    /// <see cref="LedgerReader.ExpectFromNow"/>.</summary>
    public LedgerReader AddReader(string name, params IReadOnlyCollection<LedgerPublisher> publishers)
    {
        var reader = new LedgerReader(this, name, publishers.Count == 0 ? null : [.. publishers.Select(p => p.Number)]);
        _readers.Enqueue(reader);
        return reader;
    }

    internal IReadOnlyList<LedgerPublisher> Publishers => Volatile.Read(ref _publishers);

    /// <summary>Returns a report. Missing events count as lost: wait until <see cref="MissingNow"/> is 0.</summary>
    public LedgerReport Report() => new(Publishers, [.. _readers.Select(r => r.Account())]);

    /// <summary>The number of acknowledged and expected events that have not arrived, over all readers.</summary>
    public long MissingNow => _readers.Sum(r => r.Account().Lost.Count);
}
