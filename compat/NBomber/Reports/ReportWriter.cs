// Part of the stand-in for NBomber: its reports. Not affiliated with NBomber LLC.
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.Running;

namespace NBomber.Reports;

/// <summary>Writes the requested reports into one folder.</summary>
internal static class ReportWriter
{
    public static ReportFile[] Write(NBomberContext context, NodeStats stats, IReadOnlyList<HistoryPoint> history)
    {
        if (context.ReportFormats.Count == 0)
            return [];
        Directory.CreateDirectory(context.ReportFolder);
        var name = context.ReportFileName ?? $"nbomber_report_{stats.TestInfo.SessionId}";
        return
        [
            .. context
                .ReportFormats.Distinct()
                .Select(format =>
                {
                    var content = format switch
                    {
                        ReportFormat.Html => HtmlReport.Of(stats, history),
                        ReportFormat.Csv => CsvReport.Of(stats),
                        ReportFormat.Md => TableReport.Markdown(stats),
                        _ => TableReport.Text(stats),
                    };
                    var path = Path.Combine(context.ReportFolder, $"{name}.{format.ToString().ToLowerInvariant()}");
                    File.WriteAllText(path, content);
                    return new ReportFile(path, format, content);
                }),
        ];
    }

    /// <summary>Returns the rows of the tables: each scenario as a whole, then its steps.</summary>
    public static IEnumerable<(string Scenario, string Step, MeasurementStats Ok, MeasurementStats Fail)> Rows(
        NodeStats stats
    ) =>
        stats.ScenarioStats.SelectMany(s =>
            s.StepStats.Select(step => (s.ScenarioName, step.StepName, step.Ok, step.Fail))
                .Prepend((s.ScenarioName, "global information", s.Ok, s.Fail))
        );
}
