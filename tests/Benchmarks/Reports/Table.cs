using System.Globalization;
using System.Text;
using Benchmarks.Measurements;
using Harness;

namespace Benchmarks.Reports;

/// <summary>Writes the results as Markdown: medians with their spread, and ratios within the same round.</summary>
internal static class Table
{
    public static string Of(
        BenchmarkRun run,
        IReadOnlyList<Measurement> measurements,
        TimeSpan elapsed,
        string? withoutNchan
    )
    {
        var text = new StringBuilder("# Benchmarks\n\n");
        var o = run.Options;
        var build = Repository.IsRelease ? "Release" : "Debug, so the values mean nothing";
        var variant = (o.Quick ? ", quick" : "") + (o.NoFsync ? ", Postgres without fsync" : "");
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; {ProcessStats.Describe()}; {build}; {o.Rounds} rounds"
                + $"{variant}; {elapsed.TotalMinutes:F1} min."
        );
        if (withoutNchan is not null)
            text.AppendLine(CultureInfo.InvariantCulture, $"Without Nchan: {withoutNchan}.");
        text.AppendLine(
            """

            Median (minimum–maximum) of the rounds. A ratio is the first column's value divided by the other's of the
            same round. Servers, reader and publisher share the cores.
            """
        );
        foreach (var measurement in measurements)
        {
            var ours = measurement.Subject;
            var samples = run.Samples.Where(s => s.Measurement == measurement.Name).ToList();
            if (samples.Count == 0)
                continue;
            var others = run
                .Peers.Select(p => p.Name)
                .Concat(samples.Select(s => s.Server))
                .Distinct()
                .Where(s => s != ours && samples.Any(x => x.Server == s))
                .ToList();
            text.AppendLine(CultureInfo.InvariantCulture, $"\n## {measurement.Name}\n\n{measurement.What}\n");
            text.AppendLine($"| metric | {ours} |{string.Concat(others.Select(o => $" {o} | ratio |"))} goal |")
                .AppendLine($"|---|---|{string.Concat(others.Select(_ => "---|---|"))}---|");
            foreach (var metric in samples.Select(s => s.Metric).Distinct())
            {
                var mine = ByRound(ours);
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"| {metric.Name}, {metric.Unit} | {Spread([.. mine.Values])} |"
                );
                foreach (var other in others)
                {
                    var (theirs, ratios) = (ByRound(other), Ratios(other));
                    text.Append(
                        CultureInfo.InvariantCulture,
                        $" {Spread([.. theirs.Values])} | {(ratios.Length > 0 ? Spread(ratios) : "")} |"
                    );
                }
                text.AppendLine(CultureInfo.InvariantCulture, $" {Verdict(metric, mine)} |");

                Dictionary<int, double> ByRound(string server) =>
                    samples
                        .Where(s => s.Server == server && s.Metric == metric)
                        .ToDictionary(s => s.Round, s => s.Value);

                double[] Ratios(string other)
                {
                    var theirs = ByRound(other);
                    return
                    [
                        .. mine.Where(m => theirs.TryGetValue(m.Key, out var t) && t > 0)
                            .Select(m => m.Value / theirs[m.Key]),
                    ];
                }

                string Verdict(Metric of, Dictionary<int, double> values)
                {
                    if (!measurement.Goals.TryGetValue(of.Name, out var goal))
                        return "";
                    double[] judged = goal.Peer is null ? [.. values.Values] : Ratios(goal.Peer);
                    return judged.Length == 0
                        ? $"{goal.Text(of.Unit)}: not measured"
                        : $"{goal.Text(of.Unit)}: {(goal.IsMet(Median(judged)) ? "met" : "**missed**")}";
                }
            }
        }
        if (run.Skipped.Count > 0)
            text.AppendLine("\n## Skipped\n");
        foreach (var skipped in run.Skipped)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {skipped}");
        return text.ToString();
    }

    public static string Number(double value) =>
        value.ToString(
            Math.Abs(value) switch
            {
                >= 1_000 => "#,0",
                >= 100 => "0",
                >= 10 => "0.0",
                _ => "0.00",
            },
            CultureInfo.InvariantCulture
        );

    private static string Spread(double[] values) =>
        values.Length switch
        {
            0 => "",
            1 => Number(values[0]),
            _ => $"{Number(Median(values))} ({Number(values.Min())}–{Number(values.Max())})",
        };

    private static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1
            ? sorted[sorted.Length / 2]
            : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
