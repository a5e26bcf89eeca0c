using System.Globalization;
using System.Text;

namespace Ledger;

/// <summary>The account of all readers. <see cref="ToString"/> is for people: a line of sums, then each reader that is
/// not clean.</summary>
public sealed class LedgerReport
{
    private const int ReadersShown = 20;
    private readonly IReadOnlyList<LedgerPublisher> _publishers;

    internal LedgerReport(IReadOnlyList<LedgerPublisher> publishers, IReadOnlyList<ReaderAccount> readers)
    {
        (_publishers, Readers) = (publishers, readers);
    }

    /// <summary>One account a reader.</summary>
    public IReadOnlyList<ReaderAccount> Readers { get; }

    /// <summary>Nothing lost, nothing twice, nothing reordered, nothing that nobody published; and something was
    /// published and read at all.</summary>
    public bool Clean => Readers.All(r => r.Clean) && Acknowledged > 0 && Received > 0;

    /// <summary>Events acknowledged to publishers.</summary>
    public long Acknowledged => _publishers.Sum(p => p.Acknowledged);

    /// <summary>Events received, over all readers.</summary>
    public long Received => Readers.Sum(r => r.Received);

    /// <summary>Acknowledged, expected, not received and not excused, over all readers.</summary>
    public long Lost => Readers.Sum(r => r.Lost.Count);

    /// <summary>Received again, over all readers.</summary>
    public long Twice => Readers.Sum(r => r.Twice.Count);

    /// <summary>Received after a later one of the same publisher, over all readers.</summary>
    public long Reordered => Readers.Sum(r => r.Reordered.Count);

    /// <summary>Received though nobody published it, or this reader did not subscribe it.</summary>
    public long Unknown => Readers.Sum(r => r.Unknown);

    /// <summary>Missing, but the server said so.</summary>
    public long Excused => Readers.Sum(r => r.Excused);

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(
                CultureInfo.InvariantCulture,
                $"{(Clean ? "clean" : Acknowledged == 0 || Received == 0 ? "NOTHING MEASURED" : "NOT CLEAN")}: "
            )
            .Append(
                CultureInfo.InvariantCulture,
                $"{_publishers.Count} publishers, {Acknowledged} acknowledged; {Readers.Count} readers, {Received} received; "
            )
            .Append(
                CultureInfo.InvariantCulture,
                $"{Lost} lost, {Twice} twice, {Reordered} reordered, {Unknown} unknown, {Excused} excused"
            );
        var faulty = Readers.Where(r => !r.Clean).ToList();
        foreach (var reader in faulty.Take(ReadersShown))
            text.AppendLine().Append("  ").Append(reader);
        if (faulty.Count > ReadersShown)
            text.AppendLine()
                .Append(CultureInfo.InvariantCulture, $"  … and {faulty.Count - ReadersShown} more readers");
        return text.ToString();
    }
}
