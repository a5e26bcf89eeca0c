using Benchmarks.Client;

namespace Benchmarks.Measurements;

/// <summary>Resumes 5,000 clients at once, each 100 events behind: from the replica's
/// memory, or from the store (ten topics, so ten ranges) with an empty memory.
/// Compared with the same clients connecting with nothing to replay.</summary>
internal sealed class ResumeStorm : Measurement
{
    private const int Readers = 5_000,
        Behind = 100;
    private readonly bool _fromStore;
    private readonly int _topics;

    public ResumeStorm(string name, bool fromStore)
        : base(
            name,
            $"{Readers:N0} clients at once, each {Behind} events behind, "
                + (fromStore ? "on 10 topics, nothing in memory" : "on one topic")
        )
    {
        _fromStore = fromStore;
        _topics = fromStore ? 10 : 1;
        Goals = new Dictionary<string, Goal>
        {
            [MetricCatalog.Seconds.Name] = Goal.AtMost(5),
            // Fewer than one read a range would say that reads are not counted.
            [MetricCatalog.StoreReads.Name] = fromStore ? Goal.Within(_topics, 2 * _topics) : Goal.AtMost(0),
        };
    }

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        await using var forgetful = _fromStore
            ? await run.StreamApi.StartAnotherAsync(
                new() { ["AspireSse__Streaming__RecentEvents"] = "0" },
                cancellationToken
            )
            : null;
        var replica = forgetful ?? run.StreamApi;

        // Storms hit replicas that have run for a while, so this one is warmed up.
        if (forgetful is not null)
            await FanOut.WarmUpAsync(run, forgetful, cancellationToken);

        var topics = Enumerable.Range(0, _topics).Select(_ => run.NewTopic()).ToArray();
        using var http = new HttpClient();
        var ids = new List<string>();
        foreach (var topic in topics)
        {
            ids.Add(await run.StreamApi.PublishOneAsync(http, topic, 0, cancellationToken));
            await Clients.PublishAsync(
                new PublishOrder(run.StreamApi.Publish, topic, 1, 0, 1, Behind, 20),
                cancellationToken
            );
        }

        await Task.Delay(500, cancellationToken);
        var read = replica.Probe.PagesRead();
        var (resuming, ready) = await Clients.OpenAsync(
            new ReadOrder([.. topics.Select(replica.Subscribe)], Readers, Behind, 60, [.. ids]),
            cancellationToken
        );

        ReadResult result;
        await using (resuming)
            result = await resuming.NextAsync<ReadResult>(cancellationToken);
        if (result.Lost > 0 || result.Wrong > 0)
            run.Wrong.Add($"{Name}: {result.Lost} lost, {result.Wrong} duplicated or reordered.");

        var reads = replica.Probe.PagesRead() - read;

        var (fresh, connected) = await Clients.OpenAsync(
            new ReadOrder([replica.Subscribe(run.NewTopic())], Readers, 0, 60),
            cancellationToken
        );
        await fresh.DisposeAsync();
        run.Record(
            this,
            replica.Name,
            (MetricCatalog.Seconds, result.Seconds),
            (MetricCatalog.StoreReads, reads),
            (MetricCatalog.Rate, result.Events / result.Seconds)
        );
        run.Record(this, "fresh connects", (MetricCatalog.Seconds, connected.Seconds));
    }
}
