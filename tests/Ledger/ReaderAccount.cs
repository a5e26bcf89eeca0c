using System.Globalization;

namespace Ledger;

/// <summary>What one reader got and did not get.</summary>
public sealed class ReaderAccount
{
    internal ReaderAccount(string name) => Name = name;

    /// <summary>The reader's name.</summary>
    public string Name { get; }

    /// <summary>Events received, doubles too.</summary>
    public long Received { get; internal init; }

    /// <summary>Acknowledged and expected, but not received.</summary>
    public Fault Lost { get; } = new();

    /// <summary>Received again.</summary>
    public Fault Twice { get; } = new();

    /// <summary>Received after a later one of the same publisher.</summary>
    public Fault Reordered { get; } = new();

    /// <summary>Received though nobody published it, or this reader did not subscribe it.</summary>
    public long Unknown { get; internal init; }

    /// <summary>Missing, but the server said so.</summary>
    public long Excused { get; internal set; }

    /// <summary>No fault of any kind.</summary>
    public bool Clean => Lost.Count == 0 && Twice.Count == 0 && Reordered.Count == 0 && Unknown == 0;

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Name}: {Received} received, {Lost} lost, {Twice} twice, {Reordered} reordered, {Unknown} unknown, {Excused} excused"
        );
}

/// <summary>How often something went wrong, and the first cases.</summary>
public sealed class Fault
{
    private const int Shown = 5;
    private readonly List<string> _examples = [];
    private long _shown;

    /// <summary>How many events.</summary>
    public long Count { get; private set; }

    /// <summary>The first ones: <c>orders#17</c>, <c>orders#20-22</c>, with the position where the publisher keeps
    /// it.</summary>
    public IReadOnlyList<string> Examples => _examples;

    /// <inheritdoc/>
    public override string ToString() =>
        Count == 0
            ? "0"
            : $"{Count.ToString(CultureInfo.InvariantCulture)} ({string.Join(", ", _examples)}{(Count > _shown ? ", …" : "")})";

    internal void Add(LedgerPublisher publisher, long first, long last)
    {
        Count += last - first + 1;
        Show(publisher, first, last);
    }

    internal void Add(LedgerPublisher publisher, long count, IReadOnlyList<long>? sequences)
    {
        Count += count;
        foreach (var sequence in sequences ?? [])
            Show(publisher, sequence, sequence);
    }

    private void Show(LedgerPublisher publisher, long first, long last)
    {
        if (_examples.Count >= Shown)
            return;
        _shown += last - first + 1;
        var position = publisher.PositionOf(first) is { } known ? $" at {known}" : "";
        _examples.Add(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{publisher.Name}#{first}{(last > first ? $"-{last}" : "")}{position}"
            )
        );
    }
}
