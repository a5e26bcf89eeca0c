using System.Text.Encodings.Web;
using System.Text.Json;
using LoadTests.Chaos;
using LoadTests.Loads;
using LoadTests.Measurements;
using LoadTests.Scenarios;
using Measuring;
using Measuring.Ledger;
using NBomber.Contracts.Stats;

namespace LoadTests.Reports;

/// <summary>The result of one scenario: its measurements and thresholds.</summary>
internal sealed class ScenarioResult
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
    private readonly IReadOnlyList<LedgerReport> _ledgers;

    public ScenarioResult(
        LoadScenario scenario,
        LoadOptions options,
        ScenarioScale scale,
        LoadRun run,
        RunHistory history,
        SteadyWindow steady,
        ScenarioEnd end
    )
    {
        Scenario = scenario.Name;
        Scale = scale;
        Size = options.Size.ToString().ToLowerInvariant();

        var faults = string.Join(',', options.Chaos);
        Chaos = options.Chaos.Count == 0 ? "none" : $"{options.Fault} {faults}".ToLowerInvariant();

        Stopped = end.Stopped;
        Faults = end.Faults;
        Drained = end.Drained;
        TargetAnswers = end.TargetAnswers;
        Pages = end.Stats?.ReportFiles ?? [];

        Counters = run.Counters;
        Received = run.Received;
        Generations = run.Generations;
        Scheduled = run.Scheduled;
        NotConnected = scenario.RequiresAllClients ? Math.Max(0, scale.Clients - run.Counters.Connected) : null;

        Delivery = run.Delivery.Snapshot();
        CatchUp = run.CatchUp.Snapshot();
        Publish = run.Publish.Snapshot();
        Connect = run.Connect.Snapshot();
        Steady = steady;
        Windows = [.. history.Windows];
        _ledgers = [.. run.Topics.Select(t => t.Ledger.Report())];

        // Last, because thresholds read the properties above.
        Thresholds = [.. LoadThreshold.Of(this, options, end)];
    }

    public string Scenario { get; }
    public ScenarioScale Scale { get; }
    public string Size { get; }
    public string Chaos { get; }
    public LoadCounters Counters { get; }

    /// <summary>True for a run that was stopped: it neither held its thresholds nor failed them.</summary>
    public bool Stopped { get; }

    /// <summary>The page that NBomber, or its stand-in, has written.</summary>
    public IReadOnlyList<ReportFile> Pages { get; }

    /// <summary>The publishes that the schedule asks for; 0 for generations, which have none.</summary>
    public double Scheduled { get; }

    /// <summary>The clients that never connected, or null if the scenario waits for them.</summary>
    public long? NotConnected { get; }
    public long Received { get; }
    public LatencySnapshot Delivery { get; }
    public LatencySnapshot CatchUp { get; }
    public LatencySnapshot Publish { get; }
    public LatencySnapshot Connect { get; }

    /// <summary>The generations of a scenario that has any.</summary>
    public GenerationStats? Generations { get; }

    public IReadOnlyList<FaultRecord> Faults { get; }

    /// <summary>True when the --target address itself answers after the
    /// faults, not only the replicas behind it. Null without faults.</summary>
    public bool? TargetAnswers { get; }
    public IReadOnlyList<HistoryWindow> Windows { get; }

    /// <summary>The time from the last publish to the last delivery, or null when deliveries are missing.</summary>
    public TimeSpan? Drained { get; }
    public SteadyWindow Steady { get; }

    /// <summary>
    /// Deliveries per second that the steady window's publishes would cause with the run's average number of readers.
    /// 0: unknown, because the demo provider's tokens are only counted at the end of their generation.
    /// </summary>
    public double OfferedPerSecond =>
        Counters.Acknowledged == 0 || Generations is { IsTimed: false }
            ? 0
            : Steady.PublishedPerSecond * (Received + Lost) / Counters.Acknowledged;
    public IReadOnlyList<LoadThreshold> Thresholds { get; }
    public IEnumerable<string> Held => Thresholds.Where(t => t.Failure is null).Select(t => t.Rule);
    public IEnumerable<string> Failed =>
        Thresholds.Where(t => t.Failure is not null).Select(t => $"{t.Rule}: {t.Failure}");
    public bool Ok => !Failed.Any();
    public long Lost => _ledgers.Sum(l => l.Lost);
    public long Duplicates => _ledgers.Sum(l => l.Duplicates);
    public long Reordered => _ledgers.Sum(l => l.Reordered);
    public long Unknown => _ledgers.Sum(l => l.Unknown);

    /// <summary>Tokens that are missing because a fault broke the replica that generated them.</summary>
    public long Excused => _ledgers.Sum(l => l.Excused);

    /// <summary>The texts of the ledgers with errors.</summary>
    public IEnumerable<string> Faulty => _ledgers.Where(l => !l.Clean).Select(l => l.ToString());

    public string ToJsonLine() =>
        JsonSerializer.Serialize(
            new
            {
                scenario = Scenario,
                ok = Ok,
                stopped = Stopped,
                failed = Failed,
                held = Held,
                size = Size,
                chaos = Chaos,
                clients = Scale.Clients,
                rate = Scale.Rate,
                seconds = Scale.Seconds,
                connected = Counters.Connected,
                published = Counters.Published,
                acknowledged = Counters.Acknowledged,
                received = Received,
                lost = Lost,
                duplicates = Duplicates,
                reordered = Reordered,
                unknown = Unknown,
                excused = Excused,
                reconnects = Counters.Reconnects,
                resyncs = Counters.Resyncs,
                deliveredPerSecond = Math.Round(Steady.DeliveredPerSecond, 1),
                offeredPerSecond = Math.Round(OfferedPerSecond, 1),
                steadySeconds = Math.Round(Steady.Seconds, 2),
                deliveryMs = Percentiles(Delivery),
                steadyDeliveryMs = Percentiles(Steady.Delivery),
                catchUpMs = Percentiles(CatchUp),
                publishMs = Percentiles(Publish),
                connectMs = Percentiles(Connect),
                drainSeconds = Rounded(Drained?.TotalSeconds, 2),
                generator = new
                {
                    cpuMicrosecondsPerEvent = Math.Round(Steady.MicrosecondsPerEvent, 2),
                    cores = Math.Round(Steady.Cores, 2),
                },
                server = Steady.ServerCpuSeconds.Count == 0
                    ? null
                    : new
                    {
                        // null means unknown: one of the processes was killed in the window.
                        cpuMicrosecondsPerEvent = Rounded(Steady.ServerMicrosecondsPerEvent, 1),
                        cores = Rounded(Steady.AllServerCores, 2),
                        coresBy = Steady.ServerCores.ToDictionary(s => s.Key, s => Rounded(s.Value, 2)),
                    },
                llm = Generations is not { } stats
                    ? null
                    : new
                    {
                        deliveryIs = stats.IsTimed ? "upstream to reader" : "gap between events",
                        begun = stats.Started,
                        done = stats.Completed,
                        interrupted = stats.Interrupted,
                        failed = stats.Failed,
                        unexplained = stats.UnexplainedFailures.Count,
                        different = stats.Different,
                        drops = stats.Drops,
                        tokens = stats.Tokens,
                        firstTokenMs = Percentiles(stats.FirstToken.Snapshot()),
                    },
                faults = Faults.Select(f => new
                {
                    target = f.Target.ToString().ToLowerInvariant(),
                    fault = f.Fault.ToString().ToLowerInvariant(),
                    pid = f.Pid,
                    atSecond = Math.Round(f.AtSecond, 1),
                    brokenSeconds = Math.Round(f.BrokenSeconds, 1),
                    isBack = f.IsBack,
                    recoverySeconds = Rounded(f.RecoverySeconds, 2),
                    recoveryIsKnown = f.Recovery.IsKnown,
                    cutOff = f.CutOff,
                }),
                targetAnswers = TargetAnswers,
            },
            Json
        );

    private static object? Percentiles(LatencySnapshot snapshot) =>
        snapshot.Count == 0
            ? null
            : new
            {
                count = snapshot.Count,
                p50 = Round(snapshot.Percentile(50)),
                p90 = Round(snapshot.Percentile(90)),
                p95 = Round(snapshot.Percentile(95)),
                p99 = Round(snapshot.Percentile(99)),
                p999 = Round(snapshot.Percentile(99.9)),
                max = Round(snapshot.MaxMs),
            };

    private static double? Rounded(double? value, int digits) =>
        value is { } number ? Math.Round(number, digits) : null;

    private static double Round(double ms) => Math.Round(ms, 2);
}
