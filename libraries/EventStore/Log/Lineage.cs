namespace EventStore;

/// <summary>An epoch and the earlier ones that it continues: a promoted standby, a copy and a restored backup share
/// their positions up to the moment of the change. Immutable.</summary>
internal sealed class Lineage
{
    private readonly Dictionary<string, long> _shared = new(StringComparer.Ordinal);

    private Lineage(string epoch) => Epoch = epoch;

    public string Epoch { get; }

    /// <summary>Returns an epoch that continues no other.</summary>
    public static Lineage Alone(string epoch) => new(epoch);

    /// <summary>Returns an epoch's lineage. The rows are the newest first; rows newer than the epoch are
    /// ignored.</summary>
    internal static Lineage Of(string epoch, IReadOnlyList<EpochRow> epochs)
    {
        var lineage = new Lineage(epoch);
        var child = epoch;
        var shared = long.MaxValue;

        foreach (var row in epochs)
        {
            if (row.Epoch != child)
                continue;
            if (row.Parent is not { } parent || parent == epoch)
                break;

            shared = Math.Min(shared, row.Common);
            if (!lineage._shared.TryAdd(parent, shared))
                break;
            child = parent;
        }

        return lineage;
    }

    /// <summary>Returns true for the epoch and its ancestors.</summary>
    public bool Knows(string epoch) => epoch == Epoch || _shared.ContainsKey(epoch);

    /// <summary>Returns the last position that an ancestor shares with this epoch, or null for any other
    /// epoch.</summary>
    public long? SharedWith(string ancestor) => _shared.TryGetValue(ancestor, out var shared) ? shared : null;

    /// <summary>Returns the id of the same event in this epoch, or null if this history lacks the event or its
    /// epoch.</summary>
    public StreamPosition? Translate(StreamPosition id) =>
        id.Epoch == Epoch ? id
        : _shared.TryGetValue(id.Epoch, out var shared) && id.Position <= shared ? id with { Epoch = Epoch }
        : null;
}

/// <summary>A row of <c>eventstore.lineage</c>: the parent, if any, and the last position shared with it.</summary>
internal readonly record struct EpochRow(string Epoch, string? Parent, long Common);
