using System.Diagnostics;
using AspireSse.Client;
using LoadTests.Chaos;
using LoadTests.Llm;
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
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(120),
        AnswerLimit = TimeSpan.FromSeconds(10);

    /// <summary>The time for deliveries under way when the last event
    /// is published; slow readers catch up in it too.</summary>
    private TimeSpan DrainLimit => TimeSpan.FromSeconds(faults.MinimumDuration > TimeSpan.Zero ? 90 : 30);

    public async Task<ScenarioResult> RunAsync(CancellationToken cancellationToken)
    {
        var scale = (options.Size == LoadSize.Full ? scenario.Full : scenario.Smoke).With(options);
        if (faults.MinimumDuration.TotalSeconds > scale.Seconds)
            scale = scale with { Seconds = Math.Ceiling(faults.MinimumDuration.TotalSeconds) };
        if (scale.Clients + 500 > GeneratorProcess.DescriptorLimit())
            throw new LoadTestException(
                $"{scale.Clients} clients need more file descriptors than this process may open "
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

        var bombing = Task.Factory.StartNew(
            () =>
                NBomberRunner
                    .RegisterScenarios(props)
                    .WithTestSuite("Aspire.Sse")
                    .WithTestName(scenario.Name)
                    .WithReportFolder(Path.Combine(options.ReportFolder, scenario.Name))
                    .WithReportFileName(scenario.Name)
                    .WithReportFormats(ReportFormat.Html, ReportFormat.Md, ReportFormat.Csv)
                    .WithScenarioCompletionTimeout(TimeSpan.FromSeconds(10))
                    .DisplayConsoleMetrics(false)
                    .Run(),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
        try
        {
            await BeginAsync(run, bombing, cancellationToken);
            var watching = WatchAsync(run, history, progress, bombing);
            run.IsPublishing = true;
            var broken = faults.RunAsync(history, progress.Report, run.Reading);
            var steady = await PublishAsync(run, scenario.Ramp(scale), lasts, bombing, servers);
            var drained = await FinishAsync(run, loads, bombing, progress);
            var stats = await bombing;
            await watching;
            cancellationToken.ThrowIfCancellationRequested();
            bool? answers = options.Chaos.Count > 0 ? await TargetAnswersAsync(cancellationToken) : null;
            var result = new ScenarioResult(
                scenario,
                options,
                scale,
                run,
                history,
                stats,
                await broken,
                answers,
                drained,
                steady
            );
            Verdict.AddTo(stats.ReportFiles, result);
            return result;
        }
        catch (Exception e) when (e is SseException or HttpRequestException)
        {
            throw new LoadTestException($"{scenario.Name}: {e.Message}", e);
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

    private static async Task BeginAsync(LoadRun run, Task bombing, CancellationToken cancellationToken)
    {
        var first = await Task.WhenAny(run.HasStarted, bombing, Task.Delay(ConnectLimit, cancellationToken));
        if (first == bombing)
            await bombing;
        cancellationToken.ThrowIfCancellationRequested();
        if (first == run.HasStarted)
            return;
        run.End("the clients could not all connect");
        throw new LoadTestException(
            $"Only {run.Counters.Connected} clients were connected after {ConnectLimit.TotalSeconds} s. "
                + "Check the replicas' logs, or give fewer --clients."
        );
    }

    private static async Task WatchAsync(LoadRun run, RunHistory history, Progress progress, Task bombing)
    {
        while (!bombing.IsCompleted)
        {
            await Task.WhenAny(bombing, Task.Delay(RunHistory.Window));
            progress.Show(history.Take());
        }
    }

    private static async Task<SteadyWindow> PublishAsync(
        LoadRun run,
        TimeSpan ramp,
        TimeSpan lasts,
        Task bombing,
        ServerUsage servers
    )
    {
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAny(bombing, Task.Delay(ramp, run.Reading));
        var begun = SteadyWindow.Begin(run, servers);
        var left = lasts - Stopwatch.GetElapsedTime(started);
        await Task.WhenAny(bombing, Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, run.Reading));
        return begun.End(run, servers);
    }

    /// <summary>Waits until every acknowledged event has been received, or for the limit.</summary>
    /// <returns>The time it took; null when events are missing.</returns>
    private async Task<TimeSpan?> FinishAsync(LoadRun run, IReadOnlyList<ILoad> loads, Task bombing, Progress progress)
    {
        // The last publishes start slightly late.
        await Task.WhenAny(bombing, Task.Delay(TimeSpan.FromMilliseconds(300), run.Reading));
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
        long missing = -1;
        while (!run.Reading.IsCancellationRequested && Since() < limit)
        {
            if (run.Counters.Outstanding == 0 && loads.OfType<IFinite>().All(load => load.IsFinished))
            {
                if ((missing = run.Missing) == 0)
                    break;
                progress.Note($"{missing} deliveries pending");
            }
            await Task.Delay(250);
        }
        var drained = Since();
        // Duplicates arrive late, so wait a little longer.
        if (missing == 0)
            await Task.Delay(300);
        run.End("all acknowledged events were received, or the drain limit is over");
        return missing == 0 ? drained : null;
    }
}
