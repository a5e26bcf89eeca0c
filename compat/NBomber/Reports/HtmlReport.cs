// Part of the stand-in for NBomber: its report. Not affiliated with NBomber LLC.
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Reports;

/// <summary>Writes one self-contained page of plain tables. It says that NBomber did not make it.</summary>
internal static class HtmlReport
{
    private const string Style = """
        :root{color-scheme:light dark}
        body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
        table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
        th,td{border-bottom:1px solid #8884;padding:.2rem .6rem;text-align:left}
        """;

    /// <summary>The reason why this build has no NBomber; set by the project file.</summary>
    private static readonly string Reason = typeof(HtmlReport)
        .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "WithoutNBomber")
        .Value!;

    public static ReportFile Write(NBomberContext context, IReadOnlyList<ScenarioStats> scenarios)
    {
        var page = PageOf(context, scenarios);

        Directory.CreateDirectory(context.ReportFolder);
        var path = Path.Combine(context.ReportFolder, $"{context.ReportFileName}.html");
        File.WriteAllText(path, page);

        return new ReportFile(path, ReportFormat.Html, page);
    }

    private static string PageOf(NBomberContext context, IReadOnlyList<ScenarioStats> scenarios)
    {
        var name = Html($"{context.TestSuite}: {context.TestName}");
        var page = new StringBuilder(
            $"""
            <!doctype html><html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width"><title>{name}</title><style>{Style}</style></head>
            <body><h2>Made without NBomber: {Html(Reason)}</h2>
            <p>{name}. Iterations and steps; latencies of those that succeeded, in ms.</p>
            """
        );

        string[] columns = ["scenario", "step", "ok", "failed", "ok/s", "p50", "p95", "p99", "max", "MB"];
        AppendTable(page, columns, scenarios.SelectMany(Rows));

        var failures = scenarios.SelectMany(Failures).ToList();
        if (failures.Count > 0)
            AppendTable(page, ["scenario", "step", "status code", "failed", "first message"], failures);

        return page.Append("</body></html>").ToString();
    }

    /// <summary>Returns a row for the iterations, then one for each step.</summary>
    private static IEnumerable<string[]> Rows(ScenarioStats scenario) =>
        scenario
            .StepStats.Select(step => Row(scenario.ScenarioName, step.StepName, step.Ok, step.Fail))
            .Prepend(Row(scenario.ScenarioName, "", scenario.Ok, scenario.Fail));

    private static string[] Row(string scenario, string step, MeasurementStats ok, MeasurementStats fail) =>
        [
            scenario,
            step,
            Number(ok.Request.Count),
            Number(fail.Request.Count),
            Number(ok.Request.RPS),
            Number(ok.Latency.Percent50),
            Number(ok.Latency.Percent95),
            Number(ok.Latency.Percent99),
            Number(ok.Latency.MaxMs),
            Number(ok.DataTransfer.AllBytes / 1e6),
        ];

    private static IEnumerable<string[]> Failures(ScenarioStats scenario) =>
        scenario
            .StepStats.SelectMany(step => Failures(scenario.ScenarioName, step.StepName, step.Fail))
            .Concat(Failures(scenario.ScenarioName, "", scenario.Fail));

    private static IEnumerable<string[]> Failures(string scenario, string step, MeasurementStats fail) =>
        fail.StatusCodes.Select(code => new[] { scenario, step, code.StatusCode, Number(code.Count), code.Message });

    private static void AppendTable(StringBuilder page, string[] columns, IEnumerable<string[]> rows)
    {
        page.Append("\n<table><tr><th>").AppendJoin("<th>", columns);
        foreach (var row in rows)
            page.Append("\n<tr><td>").AppendJoin("<td>", row.Select(Html));
        page.Append("</table>\n");
    }

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Html(string text) => WebUtility.HtmlEncode(text);
}
