using System.Globalization;
using System.Text;
using Benchmarks.Measurements;
using Harness;

namespace Benchmarks.Reports;

/// <summary>Writes the results as Markdown: medians with their spread, and ratios within the same round.</summary>
internal static class Table
{
    public static string Of(BenchmarkRun run, IReadOnlyList<Measurement> measurements, TimeSpan elapsed)
    {
        var text = new StringBuilder("# Benchmarks\n\n");
        AppendHead(text, run.Options, elapsed);

        foreach (var measurement in measurements)
        {
            var samples = run.Samples.Where(s => s.Measurement == measurement.Name).ToList();
            if (samples.Count > 0)
                AppendSection(text, measurement, samples, OthersOf(run, measurement, samples));
        }

        if (run.Skipped.Count > 0)
            text.AppendLine("\n## Skipped\n");

        foreach (var skipped in run.Skipped)
            text.AppendLine(CultureInfo.InvariantCulture, $"- {skipped}");

        return text.ToString();
    }

    private static void AppendHead(StringBuilder text, BenchmarkOptions options, TimeSpan elapsed)
    {
        var build = Repository.IsRelease ? "Release" : "Debug, so the values mean nothing";
        var variant = (options.Quick ? ", quick" : "") + (options.NoFsync ? ", Postgres without fsync" : "");
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; {ProcessStats.Describe()}; {build}; {options.Rounds} rounds"
                + $"{variant}; {elapsed.TotalMinutes:F1} min."
        );

        text.AppendLine(
            """

            Median (minimum–maximum) of the rounds. A ratio is the first column's value divided by the other's of the
            same round. Servers, reader and publisher share the cores.
            """
        );
    }

    /// <summary>Returns the servers beside the measured one: the peers first.</summary>
    private static List<string> OthersOf(BenchmarkRun run, Measurement measurement, List<Sample> samples) =>
        run
            .Peers.Select(p => p.Name)
            .Concat(samples.Select(s => s.Server))
            .Distinct()
            .Where(s => s != measurement.Subject && samples.Any(x => x.Server == s))
            .ToList();

    private static void AppendSection(
        StringBuilder text,
        Measurement measurement,
        List<Sample> samples,
        List<string> others
    )
    {
        text.AppendLine(CultureInfo.InvariantCulture, $"\n## {measurement.Name}\n\n{measurement.What}\n");
        text.AppendLine(
                $"| metric | {measurement.Subject} |{string.Concat(others.Select(o => $" {o} | ratio |"))} goal |"
            )
            .AppendLine($"|---|---|{string.Concat(others.Select(_ => "---|---|"))}---|");

        foreach (var ofMetric in samples.GroupBy(s => s.Metric))
            AppendRow(text, measurement, ofMetric.Key, Statistics.ByServer(ofMetric), others);
    }

    /// <param name="rounds">The values by round, by server.</param>
    private static void AppendRow(
        StringBuilder text,
        Measurement measurement,
        Metric metric,
        Dictionary<string, Dictionary<int, double>> rounds,
        List<string> others
    )
    {
        var mine = Of(measurement.Subject);
        text.Append(CultureInfo.InvariantCulture, $"| {metric.Name}, {metric.Unit} | {Spread([.. mine.Values])} |");

        foreach (var theirs in others.Select(Of))
            text.Append(
                CultureInfo.InvariantCulture,
                $" {Spread([.. theirs.Values])} | {Spread(Statistics.Ratios(mine, theirs))} |"
            );

        text.AppendLine(CultureInfo.InvariantCulture, $" {Verdict()} |");

        Dictionary<int, double> Of(string server) => rounds.GetValueOrDefault(server) ?? [];

        string Verdict()
        {
            if (!measurement.Goals.TryGetValue(metric.Name, out var goal))
                return "";
            double[] judged = goal.Peer is null ? [.. mine.Values] : Statistics.Ratios(mine, Of(goal.Peer));
            return judged.Length == 0
                ? $"{goal.Text(metric.Unit)}: not measured"
                : $"{goal.Text(metric.Unit)}: {(goal.IsMet(Statistics.Median(judged)) ? "met" : "**missed**")}";
        }
    }

    public static string Spread(double[] values) =>
        values.Length switch
        {
            0 => "",
            1 => Metric.Number(values[0]),
            _ => $"{Metric.Number(Statistics.Median(values))} "
                + $"({Metric.Number(values.Min())}–{Metric.Number(values.Max())})",
        };
}
