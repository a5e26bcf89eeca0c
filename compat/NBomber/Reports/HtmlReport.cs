// Part of the stand-in for NBomber: its reports. Not affiliated with NBomber LLC.
using System.Globalization;
using System.Net;
using System.Text;
using NBomber.Contracts.Stats;
using NBomber.Running;

namespace NBomber.Reports;

/// <summary>Writes one self-contained page: tables, and charts as inline SVG.</summary>
internal static class HtmlReport
{
    private const string Style = """
                :root{color-scheme:light dark;--line:#8884}
                body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
                table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
                th,td{border-bottom:1px solid var(--line);padding:.2rem .6rem;text-align:right}
                th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}
                .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(28rem,1fr));gap:1rem}
                figure{margin:0}figcaption{font-weight:600}svg{width:100%;height:auto}
                .failed{color:#d33;font-weight:600}.scroll{overflow-x:auto}
        """;

    public static string Of(NodeStats stats, IReadOnlyList<HistoryPoint> history)
    {
        var page = new StringBuilder(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                + "<meta name=\"viewport\" content=\"width=device-width\"><title>"
        );
        page.Append(Html($"{stats.TestInfo.TestSuite}: {stats.TestInfo.TestName}"))
            .Append("</title><style>")
            .Append(Style)
            .Append("</style><h1>")
            .Append(Html(stats.TestInfo.TestName))
            .Append(
                CultureInfo.InvariantCulture,
                $"</h1><p>{Html(stats.TestInfo.TestSuite)}, {stats.TestInfo.Created:u}, "
                    + $"{stats.Duration.TotalSeconds:F1} s, {stats.NodeInfo.CoresCount} cores. Latencies in ms.</p>"
            );
        AppendTable(page, TableReport.Header, TableReport.Cells(stats));
        if (stats.Thresholds.Length > 0)
            AppendTable(
                page,
                ["scenario", "threshold", "result"],
                stats.Thresholds.Select(t => new[] { t.ScenarioName, t.CheckExpression, TableReport.Verdict(t) })
            );
        foreach (var scenario in stats.ScenarioStats)
            AppendCharts(page, scenario, [.. history.Where(h => h.Scenario == scenario.ScenarioName)]);
        return page.ToString();
    }

    private static void AppendCharts(StringBuilder page, ScenarioStats scenario, HistoryPoint[] points)
    {
        string[] charts =
        [
            Chart.Of(
                "Latency over time, ms",
                "s",
                points,
                p => p.Second,
                ("p50", p => p.P50),
                ("p95", p => p.P95),
                ("p99", p => p.P99)
            ),
            Chart.Of("Rate, 1/s", "s", points, p => p.Second, ("ok", p => p.OkRate), ("fail", p => p.FailRate)),
            Chart.Of("Copies (connections, if each holds one)", "s", points, p => p.Second, ("copies", p => p.Copies)),
            Chart.Of("Percentiles, ms", "%", Percentiles(scenario.Ok.Latency), p => p.Percent, ("latency", p => p.Ms)),
        ];
        page.Append("<h2>")
            .Append(Html(scenario.ScenarioName))
            .Append("</h2><div class=\"charts\">")
            .AppendJoin("", charts)
            .Append("</div>");
    }

    private static (double Percent, double Ms)[] Percentiles(LatencyStats l) =>
        [(0, l.MinMs), (50, l.Percent50), (75, l.Percent75), (95, l.Percent95), (99, l.Percent99), (100, l.MaxMs)];

    private static void AppendTable(StringBuilder page, string[] columns, IEnumerable<string[]> rows)
    {
        page.Append("<div class=\"scroll\"><table><tr>");
        foreach (var column in columns)
            page.Append("<th>").Append(Html(column));
        foreach (var row in rows)
        {
            page.Append("<tr>");
            foreach (var cell in row)
                page.Append(cell.StartsWith("FAILED", StringComparison.Ordinal) ? "<td class=\"failed\">" : "<td>")
                    .Append(Html(cell));
        }
        page.Append("</table></div>");
    }

    private static string Html(string text) => WebUtility.HtmlEncode(text);
}
