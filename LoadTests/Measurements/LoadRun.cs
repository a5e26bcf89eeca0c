using AspireSse.Client;
using AspireSse.Client.Publishing;
using LoadTests.Targets;
using Measuring;
using NBomber.Contracts;

namespace LoadTests.Measurements;

/// <summary>The state that the loads of one scenario share: the system's
/// address, the ledgers, the measurements and the end.</summary>
internal sealed class LoadRun : IAsyncDisposable
{
    private readonly CancellationTokenSource _reading = new();
    private readonly HttpClient _streams;
    private readonly HttpClient _publishing;
    private readonly TaskCompletionSource _hasStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IScenarioContext? _context;

    public LoadRun(ReplicaSet replicas, string name, string? topics = null)
    {
        Replicas = replicas;
        Root = topics is null ? $"load.{name}-{Guid.NewGuid():N}"[..(name.Length + 14)] : $"{topics}.{name}";
        _streams = replicas.CreateClient();
        _publishing = replicas.CreateClient();
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

        StreamOptions = new SseClientOptions
        {
            OnReconnecting = _ => Counters.RecordReconnect(),
            OnResync = (_, _) =>
            {
                Counters.RecordResync();
                return ValueTask.CompletedTask;
            },
        };
    }

    public ReplicaSet Replicas { get; }

    /// <summary>The prefix of all topics, so that runs on one system do not see one another.</summary>
    public string Root { get; }
    public SseClient Client { get; }
    public EventPublisher Publisher { get; }
    public SseClientOptions StreamOptions { get; }
    public LlmTarget Llm { get; init; } = new(UpstreamPort: null);

    /// <summary>The statistics of the run's generations, when it has any.</summary>
    public GenerationStats? Generations { get; set; }

    /// <summary>Objects that are disposed with the run.</summary>
    public List<IAsyncDisposable> Owned { get; } = [];
    public List<TopicSet> Topics { get; } = [];

    /// <summary>The publishes that the loads' schedules ask for.</summary>
    public double Scheduled { get; set; }
    public LoadCounters Counters { get; } = new(TimeProvider.System);
    public FaultLog Faults { get; } = new();

    /// <summary>The time from publish to receive, for readers that
    /// are neither slow on purpose nor just resuming.</summary>
    public LatencyHistogram Delivery { get; } = new();

    /// <summary>The time from publish to receive for readers that are behind on purpose.</summary>
    public LatencyHistogram CatchUp { get; } = new();
    public LatencyHistogram Publish { get; } = new();
    public LatencyHistogram Connect { get; } = new();

    /// <summary>Cancelled when readers must disconnect.</summary>
    public CancellationToken Reading => _reading.Token;

    /// <summary>Completes when every reader is connected and the first iteration of any load has started.</summary>
    public Task HasStarted => _hasStarted.Task;

    /// <summary>True while events are published. Readers drop and pause only then.</summary>
    public bool IsPublishing { get; set; }

    /// <summary>Events received by all readers.</summary>
    public long Received => Delivery.Count() + CatchUp.Count();

    /// <summary>The first failure of a client that must be connected before the load begins.</summary>
    public Exception? ConnectFailure { get; private set; }

    public long Missing => Topics.Sum(t => t.Ledger.MissingNow);

    public void Attach(IScenarioContext context)
    {
        if (_context is null && Interlocked.CompareExchange(ref _context, context, null) is null)
            _hasStarted.TrySetResult();
    }

    /// <summary>Keeps the first failure of a connect.</summary>
    public void FailConnect(Exception failure) => ConnectFailure ??= failure;

    /// <summary>Ends the run, after the last event was received or the time is over.</summary>
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
