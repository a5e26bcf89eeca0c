using Benchmarks.Client;
using Benchmarks.Servers;

namespace Benchmarks.Measurements;

/// <summary>Measures the time from when an event was due until it is read. For StreamApi: through Postgres,
/// Broadcaster and Redis to another replica, and to the same one; for the peers: through memory.</summary>
internal sealed class PublishToReceive : Measurement
{
    private const int Rate = 1_000;

    public PublishToReceive()
        : base("publish-to-receive", $"{Rate} publishes/s, one subscriber") =>
        Goals = new Dictionary<string, Goal>
        {
            [Metrics.P50.Name] = Goal.AtMost(5),
            [Metrics.P99.Name] = Goal.AtMost(25),
        };

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        // A replica delivers local commits at once, so the full path needs a second replica.
        await using var other = await run.StreamApi.StartAnotherAsync([], cancellationToken);
        await FanOut.WarmUpAsync(run, other, cancellationToken);
        await run.InTurnAsync(
            this,
            async peer =>
            {
                if (peer != run.StreamApi)
                {
                    await MeasureAsync(run, peer, peer, peer.Name, cancellationToken);
                    return;
                }
                await MeasureAsync(run, run.StreamApi, other, peer.Name, cancellationToken);
                await MeasureAsync(run, run.StreamApi, run.StreamApi, "the same replica", cancellationToken);
            },
            cancellationToken
        );
    }

    private async Task MeasureAsync(
        BenchmarkRun run,
        Peer publishedAt,
        Peer readAt,
        string name,
        CancellationToken cancellationToken
    )
    {
        // The first run is not measured, because this path's code is compiled meanwhile.
        if (run.Round == 1 || publishedAt != readAt)
            await OneAsync(run.Seconds(2));
        var (read, published) = await OneAsync(run.Seconds(6));
        if (!run.IsWhole(this, publishedAt, read))
            return;
        run.Record(
            this,
            name,
            (Metrics.P50, read.P50Ms),
            (Metrics.P99, read.P99Ms),
            (Metrics.AppendP50, published.P50Ms),
            (Metrics.AppendP99, published.P99Ms),
            (Metrics.Rate, read.Events / published.Seconds)
        );

        async Task<(ReadResult, PublishResult)> OneAsync(double seconds)
        {
            var (topic, events) = (run.NewTopic(), (long)(Rate * seconds));
            var (readers, _) = await Clients.OpenAsync(
                new ReadOrder([readAt.Subscribe(topic)], 1, events, seconds + 30),
                cancellationToken
            );
            await using var _ = readers;
            await Task.Delay(300, cancellationToken);
            var published = await Clients.PublishAsync(
                new PublishOrder(
                    publishedAt.Publish,
                    publishedAt.HasTopics ? topic : null,
                    32,
                    Rate,
                    events,
                    1,
                    seconds + 20
                ),
                cancellationToken
            );
            return (await readers.NextAsync<ReadResult>(cancellationToken), published);
        }
    }
}
