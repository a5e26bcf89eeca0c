using System.Collections.Concurrent;

namespace Ledger;

/// <summary>
/// Says whether a system loses, doubles or reorders events, without asking it: publishers keep what was acknowledged to
/// them, readers what
/// they got, by a publisher number and sequence that the payload carries (<see cref="Stamp"/>). Thread-safe. In order,
/// a reader costs some
/// 100 bytes a publisher, however many the events; only faults take more.
/// </summary>
public sealed class DeliveryLedger
{
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<LedgerReader> _readers = new();
    private LedgerPublisher[] _publishers = [];

    /// <summary>
    /// A source with a sequence of its own. Its order is what readers are held to, so it publishes one request after
    /// the other (one topic
    /// set for all its events: what a reader subscribes it gets whole); for concurrency, and for topics of their own,
    /// take more.
    /// </summary>
    /// <param name="name">For the report.</param>
    /// <param name="keepPositions">Keep the position of each acknowledgement, to name it beside a loss; costs its
    /// length an event.</param>
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
    /// A reader that expects all events of the given publishers (of all where none is given, those added later too)
    /// from the first on;
    /// one that starts later says so with <see cref="LedgerReader.ExpectFrom"/> or <see
    /// cref="LedgerReader.ExpectFromNow"/>.
    /// </summary>
    /// <param name="name">For the report.</param>
    /// <param name="publishers">Whose events it subscribes.</param>
    public LedgerReader AddReader(string name, params IReadOnlyCollection<LedgerPublisher> publishers)
    {
        var reader = new LedgerReader(this, name, publishers.Count == 0 ? null : [.. publishers.Select(p => p.Number)]);
        _readers.Enqueue(reader);
        return reader;
    }

    internal IReadOnlyList<LedgerPublisher> Publishers => Volatile.Read(ref _publishers);

    /// <summary>
    /// The account as of now. A loss is what was acknowledged, is expected and has not come: ask when the readers have
    /// had their time, or
    /// wait for <see cref="MissingNow"/> to become 0.
    /// </summary>
    public LedgerReport Report() => new(Publishers, [.. _readers.Select(r => r.Account())]);

    /// <summary>Acknowledged and expected events, over all readers, that have not come yet.</summary>
    public long MissingNow => _readers.Sum(r => r.Account().Lost.Count);
}
