using LoadTests.Llm;
using LoadTests.Loads;
using LoadTests.Measurements;
using NBomber.Contracts;

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
    private GenerationCalls? _api;
    private OwnPace? _pace;

    public bool IsFinished => _pace?.IsFinished == true;

    public ScenarioProps Build(LoadRun run, TimeSpan reading)
    {
        run.Owned.Add(this);
        run.Generations = new GenerationStats(timed: false);
        _api = new GenerationCalls(run.Replicas, "demo", null);
        var topics = new TopicSet(run, name, scale.Clients);
        _pace = new OwnPace([
            .. topics.Lanes.Select(
                (lane, i) =>
                {
                    var account = topics.Ledger.AddReader($"{name} {i}", lane.Publisher);
                    var client = new RosettaClient(run, _api, _http, lane, account, i, scale);
                    return (Func<Task<IResponse?>>)client.NextAsync;
                }
            ),
        ]);
        return _pace.Build(name, run, reading);
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        _api?.Dispose();
        return ValueTask.CompletedTask;
    }
}
