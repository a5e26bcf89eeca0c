// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Running;

/// <summary>One copy of a scenario. It iterates until Stop (closed model), or runs once (open model).</summary>
internal sealed class ScenarioCopy(ScenarioRun scenario, int number, bool warmUp, CancellationToken cancellation)
    : IScenarioContext
{
    private volatile bool _stopped;

    public ScenarioRun Scenario => scenario;
    public bool IsWarmUp => warmUp;
    public TestInfo TestInfo => scenario.Session.TestInfo;
    public NodeInfo NodeInfo => scenario.Session.NodeInfo;
    public ScenarioInfo ScenarioInfo { get; } =
        new(
            $"{scenario.Props.ScenarioName}_{number}",
            number,
            scenario.Props.ScenarioName,
            scenario.Schedule.Duration,
            warmUp ? ScenarioOperation.WarmUp : ScenarioOperation.Bombing
        );
    public long InvocationNumber { get; private set; }
    public Dictionary<string, object> Data { get; } = [];
    public Dictionary<string, object> ScenarioInstanceData { get; } = [];
    public CancellationToken ScenarioCancellationToken => cancellation;
    public Random Random => Random.Shared;

    public void StopScenario(string scenarioName, string reason) => scenario.Session.Stop(scenarioName, reason);

    public void StopCurrentTest(string reason) => scenario.Session.Stop(null, reason);

    public TimeSpan GetScenarioTimerTime() => scenario.Elapsed;

    /// <summary>Stops the copy after the iteration in progress.</summary>
    public void Stop() => _stopped = true;

    public async Task IterateAsync()
    {
        // Iterations that never wait must not keep the thread that started them.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stopped && !cancellation.IsCancellationRequested)
            await RunOnceAsync(Stopwatch.GetTimestamp()).ConfigureAwait(false);
    }

    // No allocation for each iteration: thousands of copies wait at
    // a time, and a garbage collection moves all of their state.
    /// <param name="due">The timestamp at which the iteration should have begun. Its latency counts from then.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RunOnceAsync(long due)
    {
        InvocationNumber++;
        if (Data.Count > 0)
            Data.Clear();
        IResponse response;
        try
        {
            response = await scenario.Props.Run!(this).ConfigureAwait(false);
        }
        catch (IgnoreMeasurementException)
        {
            return;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            response = Failures.Of<object>(e);
        }
        scenario.Record(null, response, Stopwatch.GetElapsedTime(due), warmUp);
    }
}
