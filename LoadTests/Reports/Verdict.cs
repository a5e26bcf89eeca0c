using System.Globalization;
using System.Net;
using System.Text;
using LoadTests.Chaos;
using NBomber.Contracts.Stats;

namespace LoadTests.Reports;

/// <summary>
/// Puts a scenario's thresholds above the tables of NBomber's own reports, so that they show the same verdict as
/// report.md. NBomber itself cannot judge: it knows neither the ledger nor the faults.
/// </summary>
internal static class Verdict
{
    public static void AddTo(IEnumerable<ReportFile> reports, ScenarioResult result)
    {
        foreach (var report in reports.Where(r => r.ReportFormat is ReportFormat.Html or ReportFormat.Md))
            File.WriteAllText(
                report.FilePath,
                report.ReportFormat == ReportFormat.Html
                    ? IntoHtml(report.ReportContent, result)
                    : $"{Markdown(result)}\n{report.ReportContent}"
            );
    }

    public static string Markdown(ScenarioResult result)
    {
        var text = new StringBuilder($"# {Title(result)}\n\n| threshold | |\n|---|---|\n");
        foreach (var t in result.Thresholds)
            text.Append(CultureInfo.InvariantCulture, $"| {t.Rule} | {Outcome(t)} |\n");
        foreach (var remark in Remarks(result))
            text.Append(CultureInfo.InvariantCulture, $"\n{remark}\n");
        return text.ToString();
    }

    private static string IntoHtml(string page, ScenarioResult result)
    {
        var body = page.IndexOf("<body", StringComparison.OrdinalIgnoreCase);
        var at =
            body >= 0
                ? page.IndexOf('>', body) + 1
                : Math.Max(0, page.IndexOf("<h1", StringComparison.OrdinalIgnoreCase));
        var text = new StringBuilder($"<h1>{WebUtility.HtmlEncode(Title(result))}</h1><table><tr><th>threshold<th>");
        foreach (var t in result.Thresholds)
            text.Append("<tr><td>")
                .Append(WebUtility.HtmlEncode(t.Rule))
                .Append(t.Failure is null ? "<td>" : "<td class=\"failed\" style=\"color:#d33\">")
                .Append(WebUtility.HtmlEncode(Outcome(t)));
        text.Append("</table>");
        foreach (var remark in Remarks(result))
            text.Append(CultureInfo.InvariantCulture, $"<p>{WebUtility.HtmlEncode(remark)}</p>");
        return page.Insert(at, text.ToString());
    }

    private static string Title(ScenarioResult result) =>
        $"{result.Scenario}: {(result.Ok ? "held all thresholds" : "FAILED")}";

    private static string Outcome(LoadThreshold threshold) =>
        threshold.Failure is null ? "held" : $"FAILED: {threshold.Failure}";

    private static IEnumerable<string> Remarks(ScenarioResult result)
    {
        foreach (var f in result.Faults)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{f.Fault.ToLowerInvariant()} {f.Target.ToLowerInvariant()} ({f.Pid}) at {f.AtSecond:F1} s: "
                    + $"broken for {f.BrokenSeconds:F1} s, {f.CutOff} clients disconnected, {Recovery(f)}."
            );
        if (result.Chaos != "none")
            yield return "Failed requests below were retried: under faults requests fail and connections break, and "
                + "the ledger shows whether events were lost.";
    }

    private static string Recovery(FaultRecord fault) =>
        fault.RecoverySeconds is { } seconds
            ? string.Create(CultureInfo.InvariantCulture, $"recovered {seconds:F1} s after it")
        : fault.Recovery.IsKnown ? "not recovered when the run ended"
        : "recovery unknown";
}
