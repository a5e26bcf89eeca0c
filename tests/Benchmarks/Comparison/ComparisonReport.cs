using System.Text;
using Benchmarks.Measurements;
using Benchmarks.Reports;
using Harness;

namespace Benchmarks.Comparison;

/// <summary>The comparison of two builds as Markdown, and its verdict.</summary>
/// <param name="run">The run with the values.</param>
/// <param name="current">The name of the current build's server.</param>
/// <param name="base">The name of the base commit's server.</param>
internal sealed class ComparisonReport(BenchmarkRun run, string current, string @base)
{
    private readonly StringBuilder _rows = new();

    /// <summary>False if a judged metric of a measurement has failed.</summary>
    public bool HasPassed { get; private set; } = true;

    /// <summary>Adds the rows of a measurement whose rounds are complete.</summary>
    /// <param name="measurement">The measurement.</param>
    /// <param name="foreign">The processors that other programs used meanwhile.</param>
    public void Add(Measurement measurement, double foreign)
    {
        var name = $"{measurement.Name} (other work: {Metric.Number(foreign)} cores)";
        var samples = run.Samples.Where(s => s.Measurement == measurement.Name).ToList();
        if (samples.Count == 0)
        {
            HasPassed = false;
            _rows.AppendLine($"| {name} | | | | | **failed**: not measured |");
        }

        foreach (var ofMetric in samples.GroupBy(s => s.Metric))
        {
            Add(name, ofMetric.Key, Statistics.ByServer(ofMetric));
            name = "";
        }
    }

    public string Text(TimeSpan elapsed)
    {
        var judged = run.Options.Control ? "control" : "current";
        return $"""
            # Comparison with a base commit

            {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC; {ProcessStats.Describe()}; {run.Options.Rounds} rounds{(
                run.Options.Quick ? ", quick" : ""
            )}; {elapsed.TotalMinutes:F1} min with the base's build.

            Values and ratios are the median (minimum–maximum) of the rounds. A ratio is of one round. Beside much other
            work a verdict means little.

            | measurement | metric | {@base} | {judged} | {judged} ÷ base | verdict |
            |---|---|---|---|---|---|
            {_rows}
            """;
    }

    private void Add(string name, Metric metric, IReadOnlyDictionary<string, Dictionary<int, double>> values)
    {
        var after = values.GetValueOrDefault(current) ?? [];
        var before = values.GetValueOrDefault(@base) ?? [];
        var verdict = Verdict.Of(metric, after, before, run.Options.Rounds);

        HasPassed &= verdict.Passed;
        _rows.AppendLine(
            $"| {name} | {metric.Name}, {metric.Unit} | {Table.Spread([.. before.Values])} "
                + $"| {Table.Spread([.. after.Values])} | {verdict.Ratio} | {verdict.Text} |"
        );
    }
}
