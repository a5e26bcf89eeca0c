using System.Globalization;
using System.Text;

namespace Measuring.Ledger;

/// <summary>The result for all readers. <see cref="ToString"/> gives
/// a line of sums, then a line for each reader with errors.</summary>
public sealed class LedgerReport
{
    private const int ReadersShown = 20;
    private readonly IReadOnlyList<LedgerPublisher> _publishers;

    internal LedgerReport(IReadOnlyList<LedgerPublisher> publishers, IReadOnlyList<ReaderAccount> readers)
    {
        _publishers = publishers;
        Readers = readers;
    }

    /// <summary>One account for each reader.</summary>
    public IReadOnlyList<ReaderAccount> Readers { get; }

    /// <summary>True when something was published and received, and
    /// nothing was lost, duplicated, reordered or unknown.</summary>
    public bool Clean => Readers.All(r => r.Clean) && Acknowledged > 0 && Received > 0;

    /// <summary>Events acknowledged to publishers.</summary>
    public long Acknowledged => _publishers.Sum(p => p.Acknowledged);

    /// <summary>Events received, over all readers.</summary>
    public long Received => Readers.Sum(r => r.Received);

    /// <summary>Events that were acknowledged, expected, not received and not excused, over all readers.</summary>
    public long Lost => Readers.Sum(r => r.Lost.Count);

    /// <summary>Events received more than once, over all readers.</summary>
    public long Duplicates => Readers.Sum(r => r.Duplicates.Count);

    /// <summary>Events received after a newer event of the same publisher, or after one with a higher id.</summary>
    public long Reordered => Readers.Sum(r => r.Reordered.Count);

    /// <summary>Events received that were never published or not subscribed.</summary>
    public long Unknown => Readers.Sum(r => r.Unknown);

    /// <summary>Missing events whose gap the server announced.</summary>
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
                $"{_publishers.Count} publishers, {Acknowledged} acknowledged; {Readers.Count} readers, "
            )
            .Append(
                CultureInfo.InvariantCulture,
                $"{Received} received; {Lost} lost, {Duplicates} duplicates, {Reordered} reordered, {Unknown} unknown, "
            )
            .Append(CultureInfo.InvariantCulture, $"{Excused} excused");

        var faulty = Readers.Where(r => !r.Clean).ToList();
        foreach (var reader in faulty.Take(ReadersShown))
            text.AppendLine().Append("  ").Append(reader);

        if (faulty.Count > ReadersShown)
            text.AppendLine()
                .Append(CultureInfo.InvariantCulture, $"  … and {faulty.Count - ReadersShown} more readers");

        return text.ToString();
    }
}
