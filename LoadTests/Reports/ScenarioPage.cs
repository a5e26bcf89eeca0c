using System.Globalization;
using System.Net;
using System.Text;
using LoadTests.Chaos;
using NBomber.Contracts.Stats;

namespace LoadTests.Reports;

/// <summary>
/// Writes a scenario's page: the thresholds, then the tables of NBomber's page or of its stand-in's. NBomber cannot
/// judge by itself, since it knows neither the ledger nor the faults.
/// </summary>
internal static class ScenarioPage
{
    public static void Write(ScenarioResult result)
    {
        foreach (var page in result.Pages.Where(page => page.ReportFormat == ReportFormat.Html))
            File.WriteAllText(page.FilePath, WithThresholds(page.ReportContent, result));
    }

    private static string WithThresholds(string page, ScenarioResult result)
    {
        var outcome =
            result.Ok ? "held all thresholds"
            : result.Stopped ? "stopped"
            : "FAILED";
        var title = $"{result.Scenario}: {outcome}";
        var text = new StringBuilder($"<h1>{WebUtility.HtmlEncode(title)}</h1><table><tr><th>threshold<th>");

        foreach (var threshold in result.Thresholds)
            text.Append("<tr><td>")
                .Append(WebUtility.HtmlEncode(threshold.Rule))
                .Append(threshold.Failure is null ? "<td>held" : "<td style=\"color:#d33\">FAILED: ")
                .Append(WebUtility.HtmlEncode(threshold.Failure));

        text.Append("</table>");

        foreach (var remark in Remarks(result))
            text.Append(CultureInfo.InvariantCulture, $"<p>{WebUtility.HtmlEncode(remark)}</p>");

        var body = page.IndexOf("<body", StringComparison.OrdinalIgnoreCase);
        return page.Insert(page.IndexOf('>', Math.Max(0, body)) + 1, text.ToString());
    }

    private static IEnumerable<string> Remarks(ScenarioResult result)
    {
        foreach (var fault in result.Faults)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{fault.Fault.ToLowerInvariant()} {fault.Target.ToLowerInvariant()} ({fault.Pid}) "
                    + $"at {fault.AtSecond:F1} s: broken for {fault.BrokenSeconds:F1} s, "
                    + $"{fault.CutOff} clients disconnected, {Recovery(fault)}."
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
