using AspireSse.Client;
using AspireSse.Client.Publishing;
using LoadTests.Chaos;
using LoadTests.Llm;
using LoadTests.Measuring;
using LoadTests.Targets;
using NBomber.Contracts;

namespace LoadTests.Running;

/// <summary>What the loads of one scenario share while it runs: the system's address, the ledger, the measurements, and
/// the end.</summary>
internal sealed class LoadRun : IAsyncDisposable
{
    private readonly CancellationTokenSource _reading = new();
    private readonly HttpClient _streams,
        _publishing;
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IScenarioContext? _context;

    public LoadRun(ReplicaSet replicas, string name, string? topics = null)
    {
        (Replicas, Root) = (
            replicas,
            topics is null ? $"load.{name}-{Guid.NewGuid():N}"[..(name.Length + 14)] : $"{topics}.{name}"
        );
        (_streams, _publishing) = (replicas.CreateClient(), replicas.CreateClient());
        Client = new SseClient(_streams);
        Publisher = new EventPublisher(
            _publishing,
            new PublisherOptions
            {
                AttemptTimeout = TimeSpan.FromSeconds(5),
                MaxRetries = 20,
                MaxDelay = TimeSpan.FromSeconds(2),
            }
        );
        StreamOptions = new SseOptions
        {
            OnReconnecting = _ => Counters.Reconnected(),
            OnResync = (_, _) =>
            {
                Counters.Resynced();
                return ValueTask.CompletedTask;
            },
        };
    }

    public ReplicaSet Replicas { get; }

    /// <summary>Topics begin with this, so runs on one system do not see one another.</summary>
    public string Root { get; }
    public SseClient Client { get; }
    public EventPublisher Publisher { get; }
    public SseOptions StreamOptions { get; }
    public LlmTarget Llm { get; init; } = new(UpstreamPort: null);

    /// <summary>Where the run has generations, their figures.</summary>
    public GenerationFigures? Generations { get; set; }

    /// <summary>Disposed of with the run.</summary>
    public List<IAsyncDisposable> Owned { get; } = [];
    public List<TopicSet> Topics { get; } = [];
    public LoadCounters Counters { get; } = new(TimeProvider.System);
    public FaultLog Faults { get; } = new();

    /// <summary>Publish → receive, of readers that are not slow by intention and not just returning.</summary>
    public LatencyHistogram Delivery { get; } = new();

    /// <summary>Publish → received by readers that are behind by intention: how long they took to catch up.</summary>
    public LatencyHistogram CatchUp { get; } = new();
    public LatencyHistogram Publish { get; } = new();
    public LatencyHistogram Connect { get; } = new();

    /// <summary>Cancelled when readers are to leave.</summary>
    public CancellationToken Reading => _reading.Token;

    /// <summary>Completes when every reader is connected and the first iteration of any load has begun.</summary>
    public Task Begun => _begun.Task;

    /// <summary>Readers drop, pause and come back only while there is something to miss.</summary>
    public bool IsPublishing { get; set; }

    /// <summary>Events received, by all readers.</summary>
    public long Received => Delivery.Count() + CatchUp.Count();

    public long Missing => Topics.Sum(t => t.Ledger.MissingNow);

    public void Saw(IScenarioContext context)
    {
        if (_context is null && Interlocked.CompareExchange(ref _context, context, null) is null)
            _begun.TrySetResult();
    }

    /// <summary>Ends the run: everything was received, or will not be.</summary>
    public void End(string reason)
    {
        _context?.StopCurrentTest(reason);
        _reading.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        await _reading.CancelAsync();
        foreach (var owned in Owned)
            await owned.DisposeAsync();
        Client.Dispose();
        _streams.Dispose();
        _publishing.Dispose();
        _reading.Dispose();
    }
}
