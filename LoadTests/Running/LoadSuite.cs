using LoadTests.Chaos;
using LoadTests.Reports;
using LoadTests.Scenarios;
using LoadTests.Targets;

namespace LoadTests.Running;

/// <summary>Runs the requested scenarios one after the other and writes the reports.</summary>
internal static class LoadSuite
{
    public static async Task<bool> RunAsync(LoadOptions options, CancellationToken cancellationToken)
    {
        var target =
            options.Target
            ?? throw new LoadTestException(
                "No target is given. Give --target http://localhost:5080, or start the resource loadtests of the "
                    + "AppHost. See --help."
            );
        Directory.CreateDirectory(options.ReportFolder);
        var results = new List<ScenarioResult>();
        var lines = Path.Combine(options.ReportFolder, "results.jsonl");
        await File.WriteAllTextAsync(lines, "", cancellationToken);
        using var replicas = await ReplicaSet.DiscoverAsync(target, cancellationToken);
        var faults = new ChaosPlan(options.Chaos, options.Fault, replicas, options.Pids);
        foreach (var name in options.Scenarios)
        {
            // Refreshed for each scenario, because replicas change, most of all under chaos.
            await replicas.RefreshAsync(cancellationToken);
            var result = await new ScenarioRunner(options, ScenarioCatalog.Get(name), replicas, faults).RunAsync(
                cancellationToken
            );
            results.Add(result);
            Console.WriteLine(result.ToJsonLine());
            await File.AppendAllTextAsync(lines, result.ToJsonLine() + "\n", cancellationToken);
            if (result.Ok)
                await Console.Error.WriteLineAsync($"{name}: held {string.Join("; ", result.Held)}");
            foreach (var failed in result.Failed)
                await Console.Error.WriteLineAsync($"{name}: FAILED: {failed}");
        }
        await File.WriteAllTextAsync(
            Path.Combine(options.ReportFolder, "report.md"),
            MarkdownReport.Of(options, results),
            cancellationToken
        );
        await Console.Error.WriteLineAsync(
            $"{results.Count(r => r.Ok)} of {results.Count} scenarios held all thresholds. "
                + $"Reports: {Path.GetFullPath(options.ReportFolder)}"
        );
        return results.All(r => r.Ok);
    }
}
