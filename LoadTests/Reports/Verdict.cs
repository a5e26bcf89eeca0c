using System.Globalization;
using System.Net;
using System.Text;
using NBomber.Contracts.Stats;

namespace LoadTests.Reports;

/// <summary>
/// What a scenario was held to, put above the figures in NBomber's own reports: who opens one of them reads the same
/// verdict as in report.md. NBomber itself
/// judges nothing, since it knows nothing of the ledger and of the faults.
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
        var text = new StringBuilder($"# {Title(result)}\n\n| must be | |\n|---|---|\n");
        foreach (var t in result.Thresholds)
            text.Append(CultureInfo.InvariantCulture, $"| {t.Says} | {Said(t)} |\n");
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
        var text = new StringBuilder($"<h1>{WebUtility.HtmlEncode(Title(result))}</h1><table><tr><th>must be<th>");
        foreach (var t in result.Thresholds)
            text.Append(
                CultureInfo.InvariantCulture,
                $"<tr><td>{WebUtility.HtmlEncode(t.Says)}<td{(t.Failure is null ? "" : " class=\"failed\" style=\"color:#d33\"")}>{WebUtility.HtmlEncode(Said(t))}"
            );
        text.Append("</table>");
        foreach (var remark in Remarks(result))
            text.Append(CultureInfo.InvariantCulture, $"<p>{WebUtility.HtmlEncode(remark)}</p>");
        return page.Insert(at, text.ToString());
    }

    private static string Title(ScenarioResult result) =>
        $"{result.Scenario}: {(result.Ok ? "held all thresholds" : "FAILED")}";

    private static string Said(LoadThreshold threshold) =>
        threshold.Failure is null ? "held" : $"FAILED: {threshold.Failure}";

    private static IEnumerable<string> Remarks(ScenarioResult result)
    {
        foreach (var f in result.Faults)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{f.Fault.ToLowerInvariant()} {f.Target.ToLowerInvariant()} ({f.Pid}) at {f.AtSecond:F1} s: broken for {f.BrokenSeconds:F1} s, {f.CutOff} clients cut off, {(f.RecoverySeconds is { } r ? $"all as before {r:F1} s after it" : f.Recovery.IsKnown ? "not all as before when the run ended" : "whether all was as before is unknown")}."
            );
        if (result.Chaos != "none")
            yield return "What failed below was done again: under faults requests fail and connections break, and the ledger says whether anything came of it.";
    }
}
