using LoadTests.Loads;
using LoadTests.Measurements;
using NBomber.Contracts;
using NBomber.CSharp;

namespace LoadTests.Llm;

/// <summary>
/// Clients with one generation each at a time, started on the replicas in turn and read from any of them. A
/// measurement is one token with the fake upstream, otherwise one event of several tokens.
/// </summary>
internal sealed class GenerationLoad(string name, ScenarioScale scale) : ILoad, IFinite, IAsyncDisposable
{
    private readonly GenerationPlan _plan = new(scale);
    private UpstreamServer? _upstream;
    private GenerationCalls? _api;
    private IReadOnlyList<GenerationClient> _clients = [];
    private int _left = scale.Clients;

    public bool IsFinished => Volatile.Read(ref _left) == 0;

    public ScenarioProps Build(LoadRun run, TimeSpan reading)
    {
        run.Owned.Add(this);
        var topics = new TopicSet(run, name, scale.Clients);
        run.Generations = new GenerationStats(run.Llm.UpstreamPort is not null);
        _api = run.Llm.UpstreamPort is null
            ? new GenerationCalls(run.Replicas, "demo", null)
            : new GenerationCalls(run.Replicas, "local", "load");

        if (run.Llm.UpstreamPort is { } port)
            _upstream = new UpstreamServer(port, scale.Rate);

        _clients =
        [
            .. topics.Lanes.Select(
                (lane, i) =>
                    new GenerationClient(
                        run,
                        _plan,
                        _api,
                        _upstream,
                        lane,
                        topics.Ledger.AddReader($"{name} {i}", lane.Publisher),
                        i
                    )
            ),
        ];

        var next = -1;
        return Scenario
            .Create(
                name,
                async context =>
                {
                    if (!context.ScenarioInstanceData.TryGetValue("client", out var mine))
                    {
                        run.Attach(context);
                        context.ScenarioInstanceData["client"] = mine = _clients[Interlocked.Increment(ref next)];
                    }
                    try
                    {
                        // The run ends before NBomber has cancelled each copy.
                        if (run.Reading.IsCancellationRequested)
                            await Task.Delay(Timeout.InfiniteTimeSpan, context.ScenarioCancellationToken);
                        if (await ((GenerationClient)mine).NextAsync() is { } response)
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
            .WithLoadSimulations(Simulation.KeepConstant(scale.Clients, reading));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            await client.DisposeAsync();
        _upstream?.Dispose();
        _api?.Dispose();
    }
}
