using System.Diagnostics;
using AspireSse.Client.Publishing;
using LoadTests.Loads;
using LoadTests.Measurements;
using LoadTests.Targets;

namespace Reliability.Load;

/// <summary>
/// Readers that stay, over a fixed number of topics, and publishers at a rate. A publisher repeats an event until it is
/// acknowledged and skips the times that it has missed, so that an outage leaves no backlog.
/// </summary>
internal sealed class SteadyLoad : IAsyncDisposable
{
    private const int ReadersPerTopic = 25,
        ConnectsAtOnce = 100,
        Bytes = 120;
    private readonly LoadRun _run;
    private readonly TopicSet _topics;
    private readonly List<SteadyReader> _readers = [];
    private readonly List<Task> _publishing = [];
    private OutboxWriter? _outbox;
    private TopicSet? _outboxTopics;
    private readonly TimeSpan _interval;
    private readonly CancellationTokenSource _stop = new();
    private Task _watching = Task.CompletedTask;
    private volatile bool _paused;

    private SteadyLoad(ReplicaSet replicas, int clients, int rate)
    {
        Replicas = replicas;
        _run = new LoadRun(replicas, "steady");
        _topics = new TopicSet(_run, "topic", Math.Max(1, clients / ReadersPerTopic));
        _interval = TimeSpan.FromSeconds((double)_topics.Lanes.Count / rate);
        History = new RunHistory(_run);

        var lanes = _topics.Lanes;

        for (var i = 0; i < clients; i++)
        {
            var lane = lanes[i % lanes.Count];
            _readers.Add(new SteadyReader(_run, lane, _topics.Ledger.AddReader($"reader {i}", lane.Publisher)));
        }
    }

    public ReplicaSet Replicas { get; }
    public RunHistory History { get; }
    public IReadOnlyList<SteadyReader> Readers => _readers;
    public IReadOnlyList<Lane> Lanes => _topics.Lanes;

    /// <summary>Events that were lost when everything had arrived the last time.</summary>
    public long SettledLost { get; private set; }

    /// <summary>The sums so far. An event that is under way counts as lost.</summary>
    public LoadSums Sums
    {
        get
        {
            var reports = _run.Topics.Select(t => t.Ledger.Report()).ToList();
            return new LoadSums(
                reports.Sum(r => r.Acknowledged),
                reports.Sum(r => r.Received),
                reports.Sum(r => r.Lost),
                reports.Sum(r => r.Duplicates),
                reports.Sum(r => r.Reordered),
                reports.Sum(r => r.Unknown),
                _readers.Sum(r => r.Resyncs),
                _run.Counters.Failed,
                _outboxTopics!.Ledger.Report().Acknowledged
            );
        }
    }

    /// <summary>Errors of publishers and readers that have ended, which none may.</summary>
    public IReadOnlyList<string> Ended =>
        [
            .. _publishing
                .Concat(_readers.Select(r => r.Reading))
                .Where(t => t.IsCompleted)
                .Select(t => t.Exception?.InnerException?.Message ?? "no error"),
        ];

    /// <summary>Returns the errors that have no column in a report.</summary>
    public List<string> Faults(LoadSums sums)
    {
        List<string> faults = [];
        if (sums.Unknown != 0)
            faults.Add($"**{sums.Unknown} never published, or of another topic**");
        if (sums.Failed > 0)
            faults.Add($"**{sums.Failed} publishes failed after all retries**");
        if (sums.Outbox == 0)
            faults.Add("**no outbox row was written**");
        if (Ended is [var first, ..] ended)
            faults.Add($"**{ended.Count} publishers and readers ended: {first}**");

        return faults;
    }

    /// <summary>The readers' errors, to find their cause.</summary>
    public string Errors => string.Join('\n', _run.Topics.Select(t => t.Ledger.Report().ToString()));

    public static async Task<SteadyLoad> StartAsync(
        Uri replica,
        string store,
        int clients,
        int rate,
        CancellationToken cancellationToken
    )
    {
        var replicas = await ReplicaSet.DiscoverAsync(replica, cancellationToken);
        var load = new SteadyLoad(replicas, clients, rate);
        load.AddOutbox(store);

        await Parallel.ForEachAsync(
            load._readers,
            new ParallelOptions { MaxDegreeOfParallelism = ConnectsAtOnce, CancellationToken = cancellationToken },
            async (reader, token) => await reader.OpenAsync().WaitAsync(TimeSpan.FromSeconds(60), token)
        );
        load._run.IsPublishing = true;
        load._publishing.Add(load.FillOutboxAsync());
        load._publishing.AddRange(load.Lanes.Select((lane, i) => load.PublishAsync(lane, i)));
        load._watching = load.WatchAsync();

        return load;
    }

    /// <summary>Stops publishing and waits until every acknowledged event has arrived.</summary>
    public async Task PauseAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        _paused = true;

        for (
            var waited = Stopwatch.StartNew();
            waited.Elapsed < limit && (_run.Counters.Outstanding > 0 || _run.Missing > 0);
            await Task.Delay(100, cancellationToken)
        ) { }

        SettledLost = Sums.Lost;
    }

    public void Resume() => _paused = false;

    /// <summary>Publishes one event of a lane, and again until it is acknowledged.</summary>
    public async Task PublishOneAsync(Lane lane)
    {
        _run.Counters.RecordPublished();
        var sequence = lane.Publisher.Next();
        var data = LoadEvent.Json(lane.Publisher.Number, sequence, LoadEvent.Now(), Bytes);
        var outgoing = new OutgoingEvent(lane.Topic, "load", data);
        var published = await _run.Publisher.PublishAsync(outgoing, _run.Reading);

        lane.Publisher.Acknowledge(sequence, published.Position);
        _run.Counters.RecordAcknowledged();
    }

    public async ValueTask DisposeAsync()
    {
        _run.IsPublishing = false;
        await _stop.CancelAsync();
        await Task.WhenAll([.. _publishing, _watching]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _run.End("done");

        foreach (var reader in _readers)
            await reader.DisposeAsync();

        await _run.DisposeAsync();
        Replicas.Dispose();
        _stop.Dispose();
    }

    private async Task PublishAsync(Lane lane, int number)
    {
        // Spread over the interval.
        await Task.Delay(_interval * ((double)number / _topics.Lanes.Count), _stop.Token);
        using var timer = new PeriodicTimer(_interval);
        while (await timer.WaitForNextTickAsync(_stop.Token))
        {
            if (_paused)
                continue;
            try
            {
                await PublishOneAsync(lane);
            }
            catch (Exception e) when (e is PublishException or HttpRequestException)
            {
                _run.Counters.RecordFailed();
            }
        }
    }

    private void AddOutbox(string store)
    {
        var topics = _outboxTopics = new TopicSet(_run, "outbox", 1);
        var lane = topics.Lanes[0];
        _outbox = new OutboxWriter(store, lane);
        _readers.Add(new SteadyReader(_run, lane, topics.Ledger.AddReader("outbox reader", lane.Publisher)));
    }

    private async Task FillOutboxAsync()
    {
        using var timer = new PeriodicTimer(OutboxWriter.Interval);
        while (await timer.WaitForNextTickAsync(_stop.Token))
            if (!_paused)
                await _outbox!.WriteAsync(_stop.Token);
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(RunHistory.Window).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            History.AddWindow();
        }
    }
}

/// <summary>Counts of the ledgers and clients.</summary>
internal sealed record LoadSums(
    long Acknowledged,
    long Received,
    long Lost,
    long Duplicates,
    long Reordered,
    long Unknown,
    long Resyncs,
    long Failed,
    long Outbox
)
{
    /// <summary>True if no sum of errors has changed. Fewer lost events than before are an error too: some came after
    /// the end of an earlier row.</summary>
    public bool IsClean => this is { Lost: 0, Duplicates: 0, Reordered: 0, Unknown: 0 };

    /// <summary>True if events flowed, and no reader saw anything of what happened meanwhile.</summary>
    public bool WentUnnoticed => this is { IsClean: true, Resyncs: 0, Acknowledged: > 0, Received: > 0 };

    /// <summary>The cells of a report's row from "acknowledged" to "reordered".</summary>
    public string Cells =>
        $"| {Acknowledged} | {Received} | {ReliabilityReport.Bold(Lost)} | {ReliabilityReport.Bold(Duplicates)} "
        + $"| {ReliabilityReport.Bold(Reordered)}";

    public static LoadSums operator -(LoadSums first, LoadSums second) =>
        new(
            first.Acknowledged - second.Acknowledged,
            first.Received - second.Received,
            first.Lost - second.Lost,
            first.Duplicates - second.Duplicates,
            first.Reordered - second.Reordered,
            first.Unknown - second.Unknown,
            first.Resyncs - second.Resyncs,
            first.Failed - second.Failed,
            first.Outbox - second.Outbox
        );
}
