using System.Diagnostics;
using System.Globalization;
using LoadTests;
using LoadTests.Running;
using LoadTests.Scenarios;
using LoadTests.Targets;

namespace Reliability;

/// <summary>One fault after the other, each with a load and a ledger of its own.</summary>
internal sealed class ReliabilitySuite(ReliabilityOptions options) : IAsyncDisposable
{
    /// <summary>Each row's full figures: percentiles, publishing, connecting.</summary>
    private static readonly string Folder = Path.Combine(Repository.Root, "artifacts", "reliability");

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private ReliabilitySystem? _system;
    private SystemKind _kind;

    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var faults = FaultCatalog.All.Where(f => options.Only.Count == 0 || options.Only.Any(text => f.Name.Contains(text, StringComparison.OrdinalIgnoreCase))).ToList();
        if (faults.Count == 0) throw new ArgumentException("There is no such fault. There are:\n" + string.Join('\n', FaultCatalog.All.Select(f => "  " + f.Name)));
        var rows = new List<Row>();
        var before = ReliabilityReport.LinesOf(options.Report);
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, "results.jsonl"), "", cancellationToken);
        try
        {
            foreach (var fault in faults)
            {
                rows.Add(await MeasureAsync(fault, cancellationToken));
                Tell(ReliabilityReport.Line(rows[^1]));
            }
        }
        finally
        {
            // What was seen until Ctrl+C, too.
            await File.WriteAllTextAsync(options.Report, ReliabilityReport.Of(options, rows, before, _clock.Elapsed), CancellationToken.None);
            Tell($"written to {options.Report}");
        }
        return rows.All(r => r.Ok);
    }

    public async ValueTask DisposeAsync()
    {
        if (_system is not null) await _system.DisposeAsync();
        _system = null;
    }

    private async Task<Row> MeasureAsync(Fault fault, CancellationToken cancellationToken)
    {
        try
        {
            var system = await SystemForAsync(fault.Needs, cancellationToken);
            var before = await system.CountAsync(cancellationToken);
            var load = LoadOptions.Parse(["--target", system.Url.ToString(), "--clients", $"{options.Clients}", "--rate", $"{options.Rate}", "--max-p99", "3600000",
                "--reports", Folder, "mixed"]);
            var plan = new FaultPlan(fault, system);
            var replicas = await ReplicaSet.DiscoverAsync(system.Url, cancellationToken);
            var result = await new ScenarioRunner(load, ScenarioCatalog.Get("mixed"), replicas, plan).RunAsync(cancellationToken);
            if (plan.NotDone is { } reason) return new Row(fault.Name, reason.Message);
            foreach (var faulty in result.Faulty) await Console.Error.WriteLineAsync(faulty);
            await File.AppendAllTextAsync(Path.Combine(Folder, "results.jsonl"), $"{result.ToJsonLine()}\n", cancellationToken);
            var broken = result.Faults.Count > 0 ? result.Faults[0] : null;
            var stored = await StoredAsync(system, cancellationToken) - before;
            return new Row(fault.Name, plan.Remark ?? "")
            {
                Done = true, Clients = result.Windows.Count == 0 ? 0 : (int)result.Windows.Average(w => w.Open), Acknowledged = result.Counters.Acknowledged, Refused = result.Counters.Refused, Received = result.Received,
                Lost = result.Lost, NotStored = Math.Max(0, result.Counters.Acknowledged - stored), Twice = result.Twice, Reordered = result.Reordered, Unknown = result.Unknown,
                Resyncs = result.Counters.Resyncs, BrokenSeconds = broken?.BrokenSeconds ?? 0, RecoverySeconds = broken?.RecoverySeconds, Drained = result.Drained is not null,
            };
        }
        catch (NotDoneException e) { return new Row(fault.Name, e.Message); }
    }

    private static async Task<long> StoredAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        await system.Postgres.StartAsync(limit.Token);
        return await system.CountAsync(limit.Token);
    }

    private async Task<ReliabilitySystem> SystemForAsync(SystemKind kind, CancellationToken cancellationToken)
    {
        if (_system is null || _kind != kind)
        {
            await DisposeAsync();
            Tell("starting Postgres, Redis, two replicas of StreamApi and two Broadcasters");
            (_system, _kind) = (await ReliabilitySystem.StartAsync(kind, cancellationToken), kind);
        }
        await _system.WaitUntilWholeAsync(cancellationToken);
        return _system;
    }

    private void Tell(string text) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_clock.Elapsed.TotalSeconds,6:F0} s  {text}"));
}
