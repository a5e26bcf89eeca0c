using System.Text.Encodings.Web;
using System.Text.Json;
using Ledger;
using LoadTests.Chaos;
using LoadTests.Llm;
using LoadTests.Measuring;
using LoadTests.Running;
using LoadTests.Scenarios;
using NBomber.Contracts.Stats;

namespace LoadTests.Reports;

/// <summary>What one scenario came to: the figures, and which thresholds did not hold.</summary>
internal sealed class ScenarioResult
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly IReadOnlyList<LedgerReport> _ledgers;

    public ScenarioResult(
        LoadScenario scenario, LoadOptions options, ScenarioScale scale, LoadRun run, RunHistory history, NodeStats stats, IReadOnlyList<FaultRecord> faults, TimeSpan? drained, GeneratorUsage used)
    {
        (Scenario, Scale, Faults, Drained, Used, Counters) = (scenario.Name, scale, faults, drained, used, run.Counters);
        (Size, Chaos) = (options.Size.ToString().ToLowerInvariant(), options.Chaos.Count == 0 ? "none" : $"{options.Fault} {string.Join(',', options.Chaos)}".ToLowerInvariant());
        (Delivery, CatchUp, Publish, Connect) = (run.Delivery.Snapshot(), run.CatchUp.Snapshot(), run.Publish.Snapshot(), run.Connect.Snapshot());
        _ledgers = [.. run.Topics.Select(t => t.Ledger.Report())];
        Windows = [.. history.Windows];
        (Received, Generations) = (run.Received, run.Generations);
        Failed = [.. Judge(options, stats)];
    }

    public string Scenario { get; }
    public ScenarioScale Scale { get; }
    public string Size { get; }
    public string Chaos { get; }
    public LoadCounters Counters { get; }
    public long Received { get; }
    public LatencySnapshot Delivery { get; }
    public LatencySnapshot CatchUp { get; }
    public LatencySnapshot Publish { get; }
    public LatencySnapshot Connect { get; }

    /// <summary>Where the scenario has any.</summary>
    public GenerationFigures? Generations { get; }

    /// <summary>Of the system's processes, by name, while it was published; empty where they cannot be seen.</summary>
    public IReadOnlyDictionary<string, double> ServerCpuSeconds { get; init; } = new Dictionary<string, double>();
    public double ServerMicrosecondsPerEvent => Used.Received == 0 ? 0 : ServerCpuSeconds.Values.Sum() * 1e6 / Used.Received;
    public IReadOnlyList<FaultRecord> Faults { get; }
    public IReadOnlyList<HistoryWindow> Windows { get; }

    /// <summary>From the last publish to the last delivery; null where some did not come.</summary>
    public TimeSpan? Drained { get; }
    public GeneratorUsage Used { get; }
    public IReadOnlyList<string> Failed { get; }
    public bool Ok => Failed.Count == 0;
    public long Lost => _ledgers.Sum(l => l.Lost);
    public long Twice => _ledgers.Sum(l => l.Twice);
    public long Reordered => _ledgers.Sum(l => l.Reordered);
    public long Unknown => _ledgers.Sum(l => l.Unknown);

    /// <summary>The ledgers that are not clean, in their own words.</summary>
    public IEnumerable<string> Faulty => _ledgers.Where(l => !l.Clean).Select(l => l.ToString());

    public string ToJsonLine() => JsonSerializer.Serialize(new
    {
        scenario = Scenario, ok = Ok, failed = Failed, size = Size, chaos = Chaos, clients = Scale.Clients, rate = Scale.Rate, seconds = Scale.Seconds,
        connected = Counters.Connected, published = Counters.Published, acknowledged = Counters.Acknowledged, received = Received,
        lost = Lost, twice = Twice, reordered = Reordered, unknown = Unknown, reconnects = Counters.Reconnects, resyncs = Counters.Resyncs,
        deliveredPerSecond = Math.Round(Used.Seconds > 0 ? Used.Received / Used.Seconds : 0, 1),
        deliveryMs = Percentiles(Delivery), catchUpMs = Percentiles(CatchUp), publishMs = Percentiles(Publish), connectMs = Percentiles(Connect),
        drainSeconds = Drained is { } d ? Math.Round(d.TotalSeconds, 2) : (double?)null,
        generator = new { cpuMicrosecondsPerEvent = Math.Round(Used.MicrosecondsPerEvent, 2), cores = Math.Round(Used.Cores, 2) },
        server = ServerCpuSeconds.Count == 0 ? null : new
        {
            cpuMicrosecondsPerEvent = Math.Round(ServerMicrosecondsPerEvent, 1), cores = Math.Round(ServerCpuSeconds.Values.Sum() / Used.Seconds, 2),
            coresBy = ServerCpuSeconds.ToDictionary(s => s.Key, s => Math.Round(s.Value / Used.Seconds, 2)),
        },
        llm = Generations is not { } g ? null : new
        {
            deliveryIs = g.IsTimed ? "upstream to reader" : "gap between events", begun = g.Begun, done = g.Done, interrupted = g.Interrupted, failed = g.Failed, different = g.Different,
            drops = g.Drops, tokens = g.Tokens, firstTokenMs = Percentiles(g.FirstToken.Snapshot()),
        },
        faults = Faults.Select(f => new
        {
            target = f.Target.ToString().ToLowerInvariant(), fault = f.Fault.ToString().ToLowerInvariant(), pid = f.Pid, atSecond = Math.Round(f.AtSecond, 1),
            brokenSeconds = Math.Round(f.BrokenSeconds, 1), recoverySeconds = f.RecoverySeconds is { } r ? Math.Round(r, 2) : (double?)null,
        }),
    }, Json);

    private static object? Percentiles(LatencySnapshot l) => l.Count == 0 ? null : new
    {
        count = l.Count, p50 = Round(l.Percentile(50)), p90 = Round(l.Percentile(90)), p95 = Round(l.Percentile(95)), p99 = Round(l.Percentile(99)), p999 = Round(l.Percentile(99.9)), max = Round(l.MaxMs),
    };

    private static double Round(double ms) => Math.Round(ms, 2);

    private IEnumerable<string> Judge(LoadOptions options, NodeStats stats)
    {
        if (Counters.Acknowledged == 0 || Received == 0) yield return "something is published and received: nothing was";
        if (Lost > 0) yield return $"lost = 0: {Lost} acknowledged events were not received";
        if (Twice > 0) yield return $"twice = 0: {Twice} were received again";
        if (Reordered > 0) yield return $"reordered = 0: {Reordered} were received after a later one";
        if (Unknown > 0) yield return $"unknown = 0: {Unknown} were received that nobody published for that reader";
        if (Generations is { Different: > 0 } read) yield return $"byte for byte: {read.Different} generations were read otherwise than they were said or are told";
        if (Generations is { Running: > 0 } left) yield return $"every generation ends: {left.Running} did not";
        if (Counters.Resyncs > 0) yield return $"resyncs = 0: {Counters.Resyncs} clients were told that events may be missing";
        if (Counters.Acknowledged < Counters.Published) yield return $"all published events are acknowledged: {Counters.Published - Counters.Acknowledged} of {Counters.Published} were not";
        var limit = options.MaxP99Ms ?? (options.Chaos.Count == 0 ? 5_000 : double.PositiveInfinity);
        if (Delivery.Percentile(99) > limit) yield return FormattableString.Invariant($"delivery p99 ≤ {limit:F0} ms: it is {Delivery.Percentile(99):F0} ms");
        foreach (var fault in Faults.Where(f => f.RecoverySeconds is null)) yield return $"recovery after {fault.Target.ToString().ToLowerInvariant()}: events did not flow again as before";
        if (Faults.Count < options.Chaos.Count) yield return $"chaos: {Faults.Count} of {options.Chaos.Count} faults were injected";
        // A restarted iteration under chaos is what chaos is for; the ledger judges those.
        foreach (var threshold in stats.Thresholds.Where(t => t.IsFailed && options.Chaos.Count == 0))
            yield return $"{threshold.ScenarioName}: {threshold.CheckExpression}: failed {threshold.ErrorCount} times {threshold.ExceptionMsg}".TrimEnd();
    }
}
