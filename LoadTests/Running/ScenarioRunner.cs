using System.Diagnostics;
using LoadTests.Chaos;
using LoadTests.Loads;
using LoadTests.Measurements;
using LoadTests.Reports;
using LoadTests.Scenarios;
using LoadTests.Targets;
using Measuring;
using NBomber.Contracts.Stats;
using NBomber.CSharp;

namespace LoadTests.Running;

/// <summary>Runs one scenario: NBomber drives the loads, this class
/// watches, injects the faults, ends the run and evaluates it.</summary>
internal sealed class ScenarioRunner(LoadOptions options, LoadScenario scenario, ReplicaSet replicas, IFaultPlan faults)
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);

    /// <summary>The time for deliveries under way when the last event
    /// is published; slow readers catch up in it too.</summary>
    private TimeSpan DrainLimit => TimeSpan.FromSeconds(faults.MinimumDuration > TimeSpan.Zero ? 90 : 30);

    public async Task<ScenarioResult> RunAsync(CancellationToken cancellationToken)
    {
        var scale = (options.Size == LoadSize.Full ? scenario.Full : scenario.Smoke).With(options);
        if (faults.MinimumDuration.TotalSeconds > scale.Seconds)
            scale = scale with { Seconds = Math.Ceiling(faults.MinimumDuration.TotalSeconds) };

        if (scenario.Sockets(scale) + 500 > GeneratorProcess.DescriptorLimit())
            throw new LoadTestException(
                $"{scale.Clients} clients of {scenario.Name} need more file descriptors than this process may open "
                    + $"({GeneratorProcess.DescriptorLimit()}). Raise the limit (ulimit -n 20000), or give --clients."
            );

        faults.Prepare();

        await using var run = new LoadRun(replicas, scenario.Name, options.Topics) { Llm = options.Llm };
        using var stop = cancellationToken.Register(() => run.End("cancelled"));
        var loads = scenario.Loads(run, scale);
        var servers = ServerUsage.Of(replicas, options.Pids);
        var lasts = scenario.Duration(scale);
        var reading = lasts + DrainLimit + TimeSpan.FromSeconds(10);
        var props = loads.Select(load => load.Build(run, reading)).ToArray();
        var history = new RunHistory(run);
        using var progress = new Progress(scenario.Name, run, lasts, options.JsonProgress);

        var driving = Task.Factory.StartNew(
            () =>
                NBomberRunner
                    .RegisterScenarios(props)
                    .WithTestSuite("Aspire.Sse")
                    .WithTestName(scenario.Name)
                    .WithReportFolder(Path.Combine(options.ReportFolder, scenario.Name))
                    .WithReportFileName(scenario.Name)
                    .WithReportFormats(ReportFormat.Html)
                    .WithScenarioCompletionTimeout(TimeSpan.FromSeconds(10))
                    .DisplayConsoleMetrics(false)
                    .Run(),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
        await BeginAsync(run, driving, cancellationToken);

        var watching = WatchAsync(run, history, progress, driving);
        run.IsPublishing = true;
        var broken = faults.RunAsync(history, progress.Report, run.Reading);
        var steady = await PublishAsync(run, scenario.Ramp(scale), lasts, driving, servers);

        var (drained, unanswered) = await FinishAsync(run, loads, driving, progress);
        var (stats, problem) = await StatsAsync(driving);
        await watching;

        var stopped = cancellationToken.IsCancellationRequested;
        if (stopped)
            problem = $"it was stopped after {history.Elapsed.TotalSeconds:F0} s; deliveries under way count as lost";

        var end = new ScenarioEnd(await broken, faults.Problem, drained, unanswered, stats, problem)
        {
            Stopped = stopped,
            TargetAnswers =
                options.Chaos.Count > 0 && problem is null ? await TargetAnswersAsync(cancellationToken) : null,
        };

        return new ScenarioResult(scenario, options, scale, run, history, steady, end);
    }

    /// <summary>Returns NBomber's statistics, or the reason why there are none: its page could not be written, or
    /// it failed. The ledger and the latencies are known without them.</summary>
    private static async Task<(NodeStats? Stats, string? Problem)> StatsAsync(Task<NodeStats> driving)
    {
        try
        {
            return (await driving, null);
        }
        catch (Exception e)
        {
            return (null, $"the load generator failed, so failed requests are unknown: {e.Message}");
        }
    }

    private async Task<bool> TargetAnswersAsync(CancellationToken cancellationToken)
    {
        for (
            var since = Stopwatch.GetTimestamp();
            Stopwatch.GetElapsedTime(since) < AnswerLimit;
            await Task.Delay(250, cancellationToken)
        )
            if (await replicas.TargetAnswersAsync(cancellationToken))
                return true;
        return false;
    }

    private static async Task BeginAsync(LoadRun run, Task driving, CancellationToken cancellationToken)
    {
        var first = await Task.WhenAny(run.HasStarted, driving, Task.Delay(ConnectLimit, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        if (first == run.HasStarted)
            return;

        if (first == driving)
        {
            // NBomber's package replaces the exception by its own.
            var cause = run.ConnectFailure ?? driving.Exception?.InnerException;
            throw new LoadTestException(
                cause?.Message ?? "The load generator ended before a client had started.",
                cause
            );
        }

        run.End("the clients could not all connect");
        throw new LoadTestException(
            $"Only {run.Counters.Connected} clients were connected after {ConnectLimit.TotalSeconds} s. "
                + "Check the replicas' logs, or give fewer --clients."
        );
    }

    private static async Task WatchAsync(LoadRun run, RunHistory history, Progress progress, Task driving)
    {
        while (!driving.IsCompleted)
        {
            await Task.WhenAny(driving, Task.Delay(RunHistory.Window));
            progress.Show(history.AddWindow());
        }
    }

    private static async Task<SteadyWindow> PublishAsync(
        LoadRun run,
        TimeSpan ramp,
        TimeSpan lasts,
        Task driving,
        ServerUsage servers
    )
    {
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAny(driving, Task.Delay(ramp, run.Reading));
        var begun = SteadyWindow.Begin(run, servers);
        var left = lasts - Stopwatch.GetElapsedTime(started);
        await Task.WhenAny(driving, Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, run.Reading));
        return begun.End(run, servers);
    }

    /// <summary>Waits until every acknowledged event has been received, or for the limit.</summary>
    /// <returns>The time it took, null when events are missing; and the connects that were never answered.</returns>
    private async Task<(TimeSpan? Drained, long Unanswered)> FinishAsync(
        LoadRun run,
        IReadOnlyList<ILoad> loads,
        Task driving,
        Progress progress
    )
    {
        // The last publishes start slightly late.
        await Task.WhenAny(driving, Task.Delay(TimeSpan.FromMilliseconds(300), run.Reading));
        run.IsPublishing = false;

        if (options.PlantLoss)
        {
            // An acknowledged event that is never sent looks like a loss to the ledger.
            var lane = await run.Topics[0].TakeAsync(CancellationToken.None);
            lane.Publisher.Acknowledge(lane.Publisher.Next());
        }

        var ended = Stopwatch.GetTimestamp();

        TimeSpan Since() => Stopwatch.GetElapsedTime(ended);

        var limit = options.PlantLoss ? TimeSpan.FromSeconds(3) : DrainLimit;
        long? missing = null;

        while (!run.Reading.IsCancellationRequested && Since() < limit)
        {
            if (run.Counters.Outstanding == 0 && loads.OfType<IFinite>().All(load => load.IsFinished))
            {
                if ((missing = run.Missing) == 0 && run.Counters.Connecting == 0)
                    break;
                progress.Note($"{missing} deliveries and {run.Counters.Connecting} connects pending");
            }
            await Task.Delay(250);
        }

        var drained = Since();

        // Duplicates arrive late, so wait a little longer.
        if (missing == 0)
            await Task.Delay(300);

        var unanswered = run.Counters.Connecting;
        run.End("all acknowledged events were received, or the drain limit is over");
        return (missing == 0 ? drained : null, unanswered);
    }
}
