using System.Collections.Concurrent;

namespace Measuring.Ledger;

/// <summary>
/// Detects lost, duplicated and reordered events without the system's help: publishers record acknowledgements, readers
/// record receipts, both by the publisher number and sequence in the payload (<see cref="Stamp"/>). Only the order of
/// events of different publishers is judged by the system's ids. Thread-safe.
/// </summary>
/// <remarks>A reader takes about 100 bytes per publisher, whatever the number of events; only faults add to
/// that.</remarks>
public sealed class DeliveryLedger
{
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<LedgerReader> _readers = new();
    private LedgerPublisher[] _publishers = [];

    /// <summary>
    /// Adds a source of events with its own sequence. Readers are checked against its order, so it must publish one
    /// request at a time, always to the same topics; add more publishers for concurrency or for other topics.
    /// </summary>
    /// <param name="name">The name in reports.</param>
    /// <param name="keepPositions">Keeps the position of each acknowledgement to show it beside a loss. Costs its
    /// length per event.</param>
    public LedgerPublisher AddPublisher(string name, bool keepPositions = false)
    {
        lock (_gate)
        {
            var publisher = new LedgerPublisher(_publishers.Length, name, keepPositions);
            _publishers = [.. _publishers, publisher];
            return publisher;
        }
    }

    /// <summary>
    /// Adds a reader that expects all events of the given publishers, or of all current and later publishers when none
    /// is given. A reader that starts late calls <see cref="LedgerReader.ExpectFrom"/> or <see
    /// cref="LedgerReader.ExpectFromNow"/>.
    /// </summary>
    /// <param name="name">The name in reports.</param>
    /// <param name="publishers">The publishers whose events the reader subscribes to.</param>
    public LedgerReader AddReader(string name, params IReadOnlyCollection<LedgerPublisher> publishers)
    {
        var reader = new LedgerReader(this, name, publishers.Count == 0 ? null : [.. publishers.Select(p => p.Number)]);
        _readers.Enqueue(reader);
        return reader;
    }

    internal IReadOnlyList<LedgerPublisher> Publishers => Volatile.Read(ref _publishers);

    /// <summary>
    /// Returns the current report. An acknowledged, expected event that has not arrived counts as lost, so wait until
    /// <see cref="MissingNow"/> is 0 first.
    /// </summary>
    public LedgerReport Report() => new(Publishers, [.. _readers.Select(r => r.Account())]);

    /// <summary>The number of acknowledged and expected events that have not arrived, over all readers.</summary>
    public long MissingNow => _readers.Sum(r => r.Account().Lost.Count);
}
