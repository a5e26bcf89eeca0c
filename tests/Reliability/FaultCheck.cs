using System.Globalization;
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
        await WriteDetailsAsync(system, result, cancellationToken);

        var broken = result.Faults.Count > 0 ? result.Faults[0] : null;
        var stored = await StoredAsync(system, cancellationToken) - before;
        var row = new FaultRow(fault.Name, plan.Remark ?? "")
        {
            Acknowledged = result.Counters.Acknowledged,
            Failed = result.Counters.Failed,
            Received = result.Received,
            Lost = result.Lost,
            NotStored = Math.Max(0, result.Counters.Acknowledged - stored),
            Duplicates = result.Duplicates,
            Reordered = result.Reordered,
            Unknown = result.Unknown,
            Resyncs = result.Counters.Resyncs,
            BrokenSeconds = broken?.BrokenSeconds ?? 0,
            IsBack = broken?.IsBack is true,
            RecoverySeconds = broken?.RecoverySeconds,
            Recovered = broken?.Recovered ?? "**unknown**",
            Drained = result.Drained is not null,
            IsProbeOk = plan.IsProbeOk,
        };
        return new Outcome(row.Ok, Line(row));
    }

    /// <summary>Writes the windows of the run and the services' logs, to find the cause of a failure.</summary>
    private async Task WriteDetailsAsync(
        ReliabilitySystem system,
        ScenarioResult result,
        CancellationToken cancellationToken
    )
    {
        await File.WriteAllLinesAsync(
            ReliabilitySuite.DetailsOf(fault.Name, "csv"),
            [
                "seconds,delivered,published,acknowledged,open,p50,p99",
                .. result.Windows.Select(w =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{w.Until.TotalSeconds:F2},{w.Delivered:F0},{w.Published:F0},{w.Acknowledged:F0},"
                            + $"{w.Open},{w.P50Ms:F1},{w.P99Ms:F1}"
                    )
                ),
            ],
            cancellationToken
        );
        await File.WriteAllLinesAsync(
            ReliabilitySuite.DetailsOf(fault.Name, "log"),
            system.Services.Logs,
            cancellationToken
        );
    }

    private static async Task<long> StoredAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        await system.Postgres.StartAsync(limit.Token);
        return await system.CountAsync(limit.Token);
    }

    private static string Line(FaultRow row)
    {
        List<string> remarks = row.Remark.Length > 0 ? [row.IsProbeOk ? row.Remark : $"**{row.Remark}**"] : [];
        if (row.NotStored > 0)
            remarks.Add($"**{row.NotStored} not in the log**");
        if (row.Unknown > 0)
            remarks.Add($"**{row.Unknown} never published**");
        if (row.Resyncs > 0)
            remarks.Add($"**{row.Resyncs} resyncs**");
        if (row.Failed > 0)
            remarks.Add($"{row.Failed} publishes failed after all retries");
        if (!row.Drained)
            remarks.Add("**events were missing after 90 s**");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {row.Fault} | {row.Acknowledged} | {row.Received} "
                + $"| {ReliabilityReport.Bold(Math.Max(row.Lost, row.NotStored))} "
                + $"| {ReliabilityReport.Bold(row.Duplicates)} "
                + $"| {ReliabilityReport.Bold(row.Reordered)} | {row.BrokenSeconds:F1} | {row.Recovered} "
                + $"| {string.Join("; ", remarks)} |"
        );
    }
}
