using LoadTests.Loads;
using LoadTests.Measurements;
using NBomber.Contracts;

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
    private OwnPace? _pace;

    public bool IsFinished => _pace?.IsFinished == true;

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

        _pace = new OwnPace([.. _clients.Select(client => (Func<Task<IResponse?>>)client.NextAsync)]);
        return _pace.Build(name, run, reading);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            await client.DisposeAsync();
        _upstream?.Dispose();
        _api?.Dispose();
    }
}
