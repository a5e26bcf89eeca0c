// Part of the stand-in for NBomber: its reports. Not affiliated with NBomber LLC.
using System.Globalization;
using System.Text;
using NBomber.Contracts.Stats;

namespace NBomber.Reports;

/// <summary>Writes one row a scenario or step (RFC 4180), ok and fail side by side.</summary>
internal static class CsvReport
{
    private static readonly string[] Side =
    [
        "request_count",
        "rps",
        "min",
        "mean",
        "max",
        "50_percent",
        "75_percent",
        "95_percent",
        "99_percent",
        "std_dev",
        "data_min_bytes",
        "data_mean_bytes",
        "data_max_bytes",
        "data_all_bytes",
    ];

    public static string Of(NodeStats stats)
    {
        var text = new StringBuilder();
        text.Append("test_suite,test_name,scenario,duration,step_name,")
            .AppendJoin(",", Side.Select(c => "ok_" + c))
            .Append(',')
            .AppendJoin(",", Side.Select(c => "fail_" + c))
            .AppendLine();
        foreach (var (scenario, step, ok, fail) in ReportWriter.Rows(stats))
        {
            var duration = stats.ScenarioStats.First(s => s.ScenarioName == scenario).Duration;
            string[] cells =
            [
                Quoted(stats.TestInfo.TestSuite),
                Quoted(stats.TestInfo.TestName),
                Quoted(scenario),
                duration.ToString("c", CultureInfo.InvariantCulture),
                Quoted(step),
                .. Cells(ok),
                .. Cells(fail),
            ];
            text.AppendJoin(',', cells).AppendLine();
        }
        return text.ToString();
    }

    private static IEnumerable<string> Cells(MeasurementStats m) =>
        new[]
        {
            m.Request.Count,
            m.Request.RPS,
            m.Latency.MinMs,
            m.Latency.MeanMs,
            m.Latency.MaxMs,
            m.Latency.Percent50,
            m.Latency.Percent75,
            m.Latency.Percent95,
            m.Latency.Percent99,
            m.Latency.StdDev,
            m.DataTransfer.MinBytes,
            m.DataTransfer.MeanBytes,
            m.DataTransfer.MaxBytes,
            m.DataTransfer.AllBytes,
        }.Select(value => value.ToString("0.###", CultureInfo.InvariantCulture));

    private static string Quoted(string text) =>
        text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
