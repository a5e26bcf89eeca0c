using System.Text.RegularExpressions;
using Unit.Build;

namespace Unit.Deploy;

public sealed partial class TelemetryPageTests
{
    [Fact]
    public void Every_metric_has_its_row()
    {
        var rows = MarkdownTable
            .In("docs", "telemetry.md")
            .Where(table => table.Section == "Metrics")
            .SelectMany(table => table.Rows)
            .SelectMany(row => MarkdownTable.Code(row[0]))
            .ToHashSet();
        // Those of models are explained there, without a table.
        var gateway = File.ReadAllText(Repository.PathOf("docs/llm-gateway.md"));

        string[] sources = [.. SourceFiles.Products.Except(["LoadTests"]), "ServiceDefaults", "clients"];
        var metrics = (
            from file in SourceFiles.CSharp(sources)
            from Match created in Created().Matches(File.ReadAllText(file.FullName))
            select (Name: created.Groups[1].Value, Path: SourceFiles.PathOf(file))
        ).ToList();

        Assert.True(metrics.Count > 30, $"only {metrics.Count} metrics were found");
        SourceFiles.AssertNone(
            from metric in metrics
            where !rows.Contains(metric.Name) && !gateway.Contains($"`{metric.Name}`", StringComparison.Ordinal)
            select $"{metric.Path}: docs/telemetry.md, \"Metrics\", has no row for {metric.Name}"
        );
    }

    [GeneratedRegex(@"\.Create(?:Observable)?(?:Counter|UpDownCounter|Gauge|Histogram)(?:<\w+>)?\(\s*""([^""]+)""")]
    private static partial Regex Created();
}
