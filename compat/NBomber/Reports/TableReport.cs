// Part of the stand-in for NBomber: its reports. Not affiliated with NBomber LLC.
using System.Globalization;
using System.Text;
using NBomber.Contracts.Stats;

namespace NBomber.Reports;

/// <summary>Writes the statistics as tables, in Markdown or plain text.</summary>
internal static class TableReport
{
    private static readonly string[] Columns =
    [
        "scenario",
        "step",
        "ok",
        "fail",
        "RPS",
        "min",
        "mean",
        "p50",
        "p75",
        "p95",
        "p99",
        "max",
        "StdDev",
        "MB",
    ];

    public static string Markdown(NodeStats stats)
    {
        var text = new StringBuilder()
            .AppendLine(CultureInfo.InvariantCulture, $"# {stats.TestInfo.TestSuite}: {stats.TestInfo.TestName}")
            .AppendLine()
            .AppendLine(
                CultureInfo.InvariantCulture,
                $"{stats.TestInfo.Created:u}, {stats.Duration.TotalSeconds:F1} s, "
                    + $"{stats.NodeInfo.CoresCount} cores. Latencies in ms."
            )
            .AppendLine();
        AppendTable(text, Columns, Cells(stats));
        var codes = stats
            .ScenarioStats.SelectMany(s =>
                s.Ok.StatusCodes.Concat(s.Fail.StatusCodes)
                    .Select(c =>
                        new[] { s.ScenarioName, c.StatusCode, c.IsError ? "fail" : "ok", Text(c.Count), c.Message }
                    )
            )
            .ToList();
        if (codes.Count > 0)
            AppendTable(text.AppendLine(), ["scenario", "status code", "", "count", "message"], codes);
        if (stats.Thresholds.Length > 0)
            AppendTable(
                text.AppendLine(),
                ["scenario", "threshold", "result"],
                stats.Thresholds.Select(t => new[] { t.ScenarioName, $"`{t.CheckExpression}`", Verdict(t) })
            );
        return text.ToString();
    }

    public static string Text(NodeStats stats)
    {
        string[][] rows = [Columns, .. Cells(stats)];
        var widths = Enumerable.Range(0, Columns.Length).Select(i => rows.Max(r => r[i].Length)).ToArray();
        var text = new StringBuilder().AppendLine(
            CultureInfo.InvariantCulture,
            $"{stats.TestInfo.TestSuite}: {stats.TestInfo.TestName}"
        );
        foreach (var row in rows)
            text.AppendLine(
                string.Join("  ", row.Select((cell, i) => i < 2 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i])))
                    .TrimEnd()
            );
        foreach (var t in stats.Thresholds)
            text.AppendLine(CultureInfo.InvariantCulture, $"{t.ScenarioName}: {t.CheckExpression}: {Verdict(t)}");
        return text.ToString();
    }

    public static string Verdict(ThresholdResult t) =>
        !t.IsFailed
            ? "held"
            : $"FAILED {Text(t.ErrorCount)} times{(t.ExceptionMsg.Length > 0 ? ": " + t.ExceptionMsg : "")}";

    public static IEnumerable<string[]> Cells(NodeStats stats) =>
        ReportWriter
            .Rows(stats)
            .Select(r =>
                new[]
                {
                    r.Scenario,
                    r.Step,
                    Text(r.Ok.Request.Count),
                    Text(r.Fail.Request.Count),
                    Text(r.Ok.Request.RPS),
                    Text(r.Ok.Latency.MinMs),
                    Text(r.Ok.Latency.MeanMs),
                    Text(r.Ok.Latency.Percent50),
                    Text(r.Ok.Latency.Percent75),
                    Text(r.Ok.Latency.Percent95),
                    Text(r.Ok.Latency.Percent99),
                    Text(r.Ok.Latency.MaxMs),
                    Text(r.Ok.Latency.StdDev),
                    Text(r.Ok.DataTransfer.AllBytes / 1e6),
                }
            );

    public static string[] Header => Columns;

    private static void AppendTable(StringBuilder text, string[] columns, IEnumerable<string[]> rows)
    {
        text.Append("| ")
            .AppendJoin(" | ", columns)
            .AppendLine(" |")
            .Append('|')
            .AppendJoin("|", columns.Select(_ => "---"))
            .AppendLine("|");
        foreach (var row in rows)
            text.Append("| ")
                .AppendJoin(" | ", row.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal)))
                .AppendLine(" |");
    }

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
