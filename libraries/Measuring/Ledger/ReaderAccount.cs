using System.Globalization;

namespace Measuring.Ledger;

/// <summary>The received and missing events of one reader.</summary>
public sealed class ReaderAccount
{
    internal ReaderAccount(string name) => Name = name;

    public string Name { get; }

    /// <summary>Events received, duplicates included.</summary>
    public long Received { get; internal init; }

    /// <summary>Events that were acknowledged and expected, but not received.</summary>
    public Fault Lost { get; } = new();

    public Fault Duplicates { get; } = new();

    /// <summary>Events received after a newer event of the same publisher, or after one with a higher id.</summary>
    public Fault Reordered { get; } = new();

    /// <summary>Events received that were never published or not subscribed.</summary>
    public long Unknown { get; internal init; }

    /// <summary>Missing events whose gap the server announced.</summary>
    public long Excused { get; internal set; }

    public bool Clean => Lost.Count == 0 && Duplicates.Count == 0 && Reordered.Count == 0 && Unknown == 0;

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Name}: {Received} received, {Lost} lost, {Duplicates} duplicates, {Reordered} reordered, "
                + $"{Unknown} unknown, {Excused} excused"
        );
}

/// <summary>The number of errors of one kind, and the first cases.</summary>
public sealed class Fault
{
    private const int Shown = 5;
    private readonly List<string> _examples = [];
    private long _shown;

    public long Count { get; private set; }

    /// <summary>The first cases, such as <c>orders#17</c> or <c>orders#20-22</c>, with a position if kept.</summary>
    public IReadOnlyList<string> Examples => _examples;

    public override string ToString() =>
        Count == 0
            ? "0"
            : $"{Count.ToString(CultureInfo.InvariantCulture)} "
                + $"({string.Join(", ", _examples)}{(Count > _shown ? ", …" : "")})";

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
