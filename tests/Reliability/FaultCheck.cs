using LoadTests;
using LoadTests.Reports;
using LoadTests.Running;
using LoadTests.Scenarios;
using LoadTests.Targets;

namespace Reliability;

/// <summary>Runs one fault with its own load and ledger.</summary>
internal sealed class FaultCheck(Fault fault) : ICheck
{
    public string Name => fault.Name;
    public SystemKind Needs => fault.Needs;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var before = await system.CountAsync(cancellationToken);
        var load = LoadOptions.Parse([
            "--target",
            system.Url.ToString(),
            "--clients",
            $"{options.Clients}",
            "--rate",
            $"{options.Rate}",
            "--max-p99",
            "3600000",
            "--reports",
            ReliabilitySuite.Folder,
            "mixed",
        ]);

        var plan = new FaultPlan(fault, system);
        using var replicas = await ReplicaSet.DiscoverAsync(system.Url, cancellationToken);
        var result = await new ScenarioRunner(load, ScenarioCatalog.Get("mixed"), replicas, plan).RunAsync(
            cancellationToken
        );

        cancellationToken.ThrowIfCancellationRequested();
        if (plan.NotDone is { } reason)
            throw reason;

        foreach (var faulty in result.Faulty)
            await Console.Error.WriteLineAsync(faulty);

        await File.AppendAllTextAsync(
            Path.Combine(ReliabilitySuite.Folder, "results.jsonl"),
            $"{result.ToJsonLine()}\n",
            cancellationToken
        );
        await RowDetails.WriteAsync(fault.Name, result.Windows, system.World.Logs, cancellationToken);

        return Row(result, plan, await StoredAsync(system, cancellationToken) - before);
    }

    private Outcome Row(ScenarioResult result, FaultPlan plan, long stored)
    {
        var broken = result.Faults.Count > 0 ? result.Faults[0] : null;
        var counters = result.Counters;
        var notStored = Math.Max(0, counters.Acknowledged - stored);
        List<string> remarks =
            plan.Remark is not { Length: > 0 } remark ? []
            : plan.IsProbeOk ? [remark]
            : [$"**{remark}**"];

        if (notStored > 0)
            remarks.Add($"**{notStored} not in the log**");
        if (result.Unknown > 0)
            remarks.Add($"**{result.Unknown} never published**");
        if (counters.Resyncs > 0)
            remarks.Add($"**{counters.Resyncs} resyncs**");
        if (counters.Failed > 0)
            remarks.Add($"{counters.Failed} publishes failed after all retries");
        if (result.Drained is null)
            remarks.Add("**events were missing after 90 s**");

        var ok =
            result.Lost + notStored + result.Duplicates + result.Reordered + result.Unknown + counters.Resyncs == 0
            && broken is { IsBack: true, RecoverySeconds: not null }
            && result.Drained is not null
            && plan.IsProbeOk
            && counters.Acknowledged > 0
            && result.Received > 0;

        return new Outcome(
            ok,
            $"| {fault.Name} | {counters.Acknowledged} | {result.Received} "
                + $"| {ReliabilityReport.Bold(Math.Max(result.Lost, notStored))} "
                + $"| {ReliabilityReport.Bold(result.Duplicates)} | {ReliabilityReport.Bold(result.Reordered)} "
                + $"| {broken?.BrokenSeconds ?? 0:F1} | {broken?.Recovered ?? "**unknown**"} "
                + $"| {string.Join("; ", remarks)} |"
        );
    }

    private static async Task<long> StoredAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        await system.Postgres.StartAsync(limit.Token);
        return await system.CountAsync(limit.Token);
    }
}
