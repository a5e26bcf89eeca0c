using LoadTests.Chaos;
using LoadTests.Reports;
using LoadTests.Scenarios;
using LoadTests.Targets;

namespace LoadTests.Running;

/// <summary>Runs the requested scenarios one after the other. The reports are written however the run ends.</summary>
internal static class LoadSuite
{
    /// <returns>The exit code: 0 if every threshold held, 1 if one failed, 2 if a scenario could not run.</returns>
    public static async Task<int> RunAsync(LoadOptions options, CancellationToken cancellationToken)
    {
        var target =
            options.Target
            ?? throw new LoadTestException(
                "No target is given. Give --target http://localhost:5080, or start the resource loadtests of the "
                    + "AppHost. See --help."
            );
        using var reports = ReportFolder.Open(options);
        using var replicas = await ReplicaSet.DiscoverAsync(target, cancellationToken);
        var faults = new ChaosPlan(options.Chaos, options.Fault, replicas, options.Pids);

        // Processes that cannot be found end the run here, not once in each scenario.
        faults.Prepare();
        var (results, unfinished) = (new List<ScenarioResult>(), new List<UnfinishedScenario>());
        try
        {
            foreach (var name in options.Scenarios)
            {
                cancellationToken.ThrowIfCancellationRequested();
                try
                {
                    results.Add(await RunAsync(options, name, replicas, faults, cancellationToken));
                    reports.Add(results[^1]);
                }
                catch (LoadTestException e)
                {
                    unfinished.Add(new(name, e.Message));
                    await Console.Error.WriteLineAsync($"{name}: could not run: {e.Message}");
                }
            }
        }
        finally
        {
            var left = options.Scenarios.Skip(results.Count + unfinished.Count);
            unfinished.AddRange(left.Select(name => new UnfinishedScenario(name, "The run ended before.")));
            reports.Finish(results, unfinished);
        }

        cancellationToken.ThrowIfCancellationRequested();

        return unfinished.Count > 0 ? 2
            : results.All(r => r.Ok) ? 0
            : 1;
    }

    private static async Task<ScenarioResult> RunAsync(
        LoadOptions options,
        string name,
        ReplicaSet replicas,
        IFaultPlan faults,
        CancellationToken cancellationToken
    )
    {
        // Refreshed for each scenario, because replicas change, most of all under chaos.
        if (await replicas.RefreshAsync(cancellationToken) == 0)
            throw new LoadTestException($"No replica of {options.Target} answers any more. Look at their logs.");
        return await new ScenarioRunner(options, ScenarioCatalog.Get(name), replicas, faults).RunAsync(
            cancellationToken
        );
    }
}
