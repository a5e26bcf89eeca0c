// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using NBomber.Contracts;

namespace NBomber.Running;

/// <summary>One copy of a scenario. It iterates for a time (closed model), or runs once (open model).</summary>
internal sealed class ScenarioCopy(ScenarioRun scenario, int number, CancellationToken over) : IScenarioContext
{
    public ScenarioRun Scenario => scenario;
    public ScenarioInfo ScenarioInfo { get; } = new(number);
    public Dictionary<string, object> ScenarioInstanceData { get; } = [];
    public CancellationToken ScenarioCancellationToken => over;
    public Random Random => Random.Shared;

    public void StopCurrentTest(string reason) => scenario.Session.Stop();

    /// <param name="until">The timestamp after which no iteration begins.</param>
    public async Task IterateAsync(long until)
    {
        while (!over.IsCancellationRequested && Stopwatch.GetTimestamp() is var now && now < until)
            await RunOnceAsync(now).ConfigureAwait(false);
    }

    // No allocation for each iteration: thousands of copies wait at
    // a time, and a garbage collection moves all of their state.
    /// <param name="due">The timestamp at which the iteration should have begun. Its latency counts from then.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask RunOnceAsync(long due)
    {
        IResponse response;
        try
        {
            response = await scenario.Props.Run(this).ConfigureAwait(false);
        }
        catch (IgnoreMeasurementException)
        {
            return;
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            response = Failures.Of<object>(e);
        }

        scenario.Record(step: null, response, Stopwatch.GetElapsedTime(due));
    }
}
