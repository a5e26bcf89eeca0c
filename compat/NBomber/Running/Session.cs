// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using System.Diagnostics;
using System.Runtime.InteropServices;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Running;

/// <summary>One second of one scenario, for the charts.</summary>
internal sealed record HistoryPoint(
    string Scenario,
    double Second,
    double OkRate,
    double FailRate,
    int Copies,
    double P50,
    double P95,
    double P99
);

/// <summary>Runs all scenarios side by side: init, warm-up, measured load, clean.</summary>
internal sealed class Session
{
    private static readonly TimeSpan HistoryInterval = TimeSpan.FromSeconds(1);
    private readonly NBomberContext _context;
    private readonly List<ScenarioRun> _scenarios;
    private readonly List<ThresholdCheck> _thresholds;

    public Session(NBomberContext context)
    {
        _context = context;
        var chosen = context.Scenarios.Where(s => context.Targets?.Contains(s.ScenarioName) ?? true).ToList();
        if (chosen.Count == 0)
            throw new ArgumentException(
                "No scenario to run: none is registered, or none has a name given to WithTargetScenarios."
            );
        if (chosen.GroupBy(s => s.ScenarioName).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Two scenarios are named '{twice.Key}'.");
        _scenarios = [.. chosen.Select((props, i) => new ScenarioRun(this, props, i))];
        _thresholds = [.. _scenarios.SelectMany(s => s.Props.Thresholds.Select(t => new ThresholdCheck(s, t)))];
        TestInfo = new TestInfo(
            $"{DateTime.UtcNow:yyyy-MM-dd_HH.mm.ss}_{Guid.NewGuid().ToString("N")[..8]}",
            context.TestSuite,
            context.TestName,
            "",
            DateTime.UtcNow
        );
    }

    public TestInfo TestInfo { get; }
    public NodeInfo NodeInfo =>
        new(
            Environment.MachineName,
            Operation,
            RuntimeInformation.OSDescription,
            Environment.Version.ToString(),
            RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            "compat"
        );
    public TimeSpan CompletionTimeout => _context.CompletionTimeout;
    private OperationType Operation { get; set; }

    public void Stop(string? scenarioName, string reason)
    {
        foreach (
            var scenario in _scenarios.Where(s =>
                !s.IsOver && (scenarioName is null || s.Props.ScenarioName == scenarioName)
            )
        )
        {
            if (_context.ShowsProgress)
                Console.Error.WriteLine($"{scenario.Props.ScenarioName} stops: {reason}");
            scenario.Stop();
        }
    }

    public async Task<(NodeStats, IReadOnlyList<HistoryPoint>)> RunAsync()
    {
        Operation = OperationType.Init;
        foreach (var scenario in _scenarios)
            if (scenario.Props.Init is { } init)
                await init(new InitContext(this, scenario, ScenarioOperation.Init)).ConfigureAwait(false);
        try
        {
            Operation = OperationType.WarmUp;
            await Task.WhenAll(
                    _scenarios.Select(s =>
                        s.Props.WarmUpDuration is { } warm && warm > TimeSpan.Zero
                            ? s.WarmUpAsync(warm)
                            : Task.CompletedTask
                    )
                )
                .ConfigureAwait(false);
            Operation = OperationType.Bombing;
            var started = Stopwatch.GetTimestamp();
            var running = Task.WhenAll(_scenarios.Select(s => s.RunAsync()));
            var history = await WatchAsync(running).ConfigureAwait(false);
            await running.ConfigureAwait(false);
            Operation = OperationType.Complete;
            foreach (var threshold in _thresholds)
                threshold.Check();
            return (Stats(Stopwatch.GetElapsedTime(started)), history);
        }
        finally
        {
            await CleanAsync().ConfigureAwait(false);
        }
    }

    private async Task<List<HistoryPoint>> WatchAsync(Task running)
    {
        var history = new List<HistoryPoint>();
        var before = _scenarios
            .Select(s => (Ok: 0L, Fail: 0L, Latency: s.Whole.OkLatency(), At: TimeSpan.Zero))
            .ToArray();
        var nextReport = _context.ReportingInterval;
        var started = Stopwatch.GetTimestamp();
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(HistoryInterval)).ConfigureAwait(false);
            for (var i = 0; i < _scenarios.Count; i++)
            {
                var (scenario, last) = (_scenarios[i], before[i]);
                before[i] = (
                    scenario.Whole.OkCount,
                    scenario.Whole.FailCount,
                    scenario.Whole.OkLatency(),
                    scenario.Elapsed
                );
                var seconds = (before[i].At - last.At).TotalSeconds;
                if (seconds < 0.05)
                    continue;
                var latency = before[i].Latency.Since(last.Latency);
                history.Add(
                    new HistoryPoint(
                        scenario.Props.ScenarioName,
                        before[i].At.TotalSeconds,
                        (before[i].Ok - last.Ok) / seconds,
                        (before[i].Fail - last.Fail) / seconds,
                        scenario.Copies,
                        latency.Percentile(50),
                        latency.Percentile(95),
                        latency.Percentile(99)
                    )
                );
            }
            if (Stopwatch.GetElapsedTime(started) < nextReport)
                continue;
            nextReport += _context.ReportingInterval;
            foreach (var threshold in _thresholds)
                threshold.Check();
            if (_context.ShowsProgress)
                foreach (var scenario in _scenarios)
                    ShowProgress(scenario, history);
        }
        return history;
    }

    private static void ShowProgress(ScenarioRun scenario, List<HistoryPoint> history)
    {
        if (history.LastOrDefault(h => h.Scenario == scenario.Props.ScenarioName) is not { } now)
            return;
        var left = scenario.Schedule.Duration - scenario.Elapsed;
        Console.Error.WriteLine(
            $"{scenario.Props.ScenarioName, -20} {now.Copies, 6} copies {now.OkRate, 9:F0} ok/s "
                + $"{now.FailRate, 6:F0} fail/s   p50 {now.P50, 8:F1}  p99 {now.P99, 8:F1} ms   "
                + $"{Math.Max(0, left.TotalSeconds):F0} s left"
        );
    }

    private NodeStats Stats(TimeSpan duration)
    {
        var scenarios = _scenarios.Select(s => s.Stats(OperationType.Complete)).ToArray();
        return new NodeStats(
            scenarios,
            [.. _thresholds.Select(t => t.Result)],
            NodeInfo,
            TestInfo,
            scenarios.Sum(s => s.AllRequestCount),
            scenarios.Sum(s => s.AllOkCount),
            scenarios.Sum(s => s.AllFailCount),
            scenarios.Sum(s => s.AllBytes),
            duration,
            []
        );
    }

    private async Task CleanAsync()
    {
        Operation = OperationType.Stop;
        foreach (var scenario in _scenarios)
        {
            scenario.Stop();
            if (scenario.Props.Clean is not { } clean)
                continue;
            try
            {
                await clean(new InitContext(this, scenario, ScenarioOperation.Clean)).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                await Console
                    .Error.WriteLineAsync($"{scenario.Props.ScenarioName}: clean failed: {e.Message}")
                    .ConfigureAwait(false);
            }
        }
    }

    private sealed class InitContext(Session session, ScenarioRun scenario, ScenarioOperation operation)
        : IScenarioInitContext
    {
        public TestInfo TestInfo => session.TestInfo;
        public NodeInfo NodeInfo => session.NodeInfo;
        public ScenarioInfo ScenarioInfo { get; } =
            new(scenario.Props.ScenarioName, 0, scenario.Props.ScenarioName, scenario.Schedule.Duration, operation);
    }
}
