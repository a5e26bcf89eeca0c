using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Loads;

/// <summary>Clients that do one thing after the other at their own pace, and end by themselves.</summary>
internal sealed class OwnPace(IReadOnlyList<Func<Task<IResponse?>>> clients)
{
    private int _left = clients.Count;

    public bool IsFinished => Volatile.Read(ref _left) == 0;

    /// <summary>Builds the scenario. Each client is asked for its next measurement until that is null.</summary>
    public ScenarioProps Build(string name, LoadRun run, TimeSpan reading)
    {
        var next = -1;
        return Scenario
            .Create(
                name,
                async context =>
                {
                    if (!context.ScenarioInstanceData.TryGetValue("client", out var mine))
                    {
                        run.Attach(context);
                        context.ScenarioInstanceData["client"] = mine = clients[Interlocked.Increment(ref next)];
                    }
                    try
                    {
                        // The run ends before NBomber has cancelled each copy.
                        if (run.Reading.IsCancellationRequested)
                            await Task.Delay(Timeout.InfiniteTimeSpan, context.ScenarioCancellationToken);
                        if (await ((Func<Task<IResponse?>>)mine)() is { } response)
                            return response;

                        Interlocked.Decrement(ref _left);
                        await Task.Delay(Timeout.InfiniteTimeSpan, run.Reading);
                        return Response.Ok();
                    }
                    catch (OperationCanceledException) when (run.Reading.IsCancellationRequested)
                    {
                        throw new IgnoreMeasurementException();
                    }
                }
            )
            .WithoutWarmUp()
            .WithLoadSimulations(Simulation.KeepConstant(clients.Count, reading));
    }
}
