using LoadTests.Loads;
using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Rosetta;

/// <summary>
/// Answers of the demo model, each read in all protocols by readers that drop and return at another replica. At the end
/// all of them must have the same text, tool calls and usage.
/// </summary>
/// <param name="name">Its name in the report, where a delivery is the time from a return to its first frame.</param>
/// <param name="scale">The answers at a time, and for each of them (the rate) how many one after another.</param>
internal sealed class RosettaLoad(string name, ScenarioScale scale) : ILoad, IFinite, IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };
    private int _left = scale.Clients;

    public bool IsFinished => Volatile.Read(ref _left) == 0;

    public ScenarioProps Build(LoadRun run, TimeSpan reading)
    {
        run.Owned.Add(this);
        run.Generations = new GenerationStats(timed: false);
        var topics = new TopicSet(run, name, scale.Clients);
        var clients = topics
            .Lanes.Select(
                (lane, i) =>
                    new RosettaClient(run, _http, lane, topics.Ledger.AddReader($"{name} {i}", lane.Publisher), i)
            )
            .ToList();

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
                        var client = (RosettaClient)mine;
                        if (client.Count < scale.Rate && !run.Reading.IsCancellationRequested)
                            return await client.NextAsync();

                        if (client.Count++ == scale.Rate)
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
            .WithLoadSimulations(Simulation.KeepConstant(scale.Clients, reading));
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }
}
