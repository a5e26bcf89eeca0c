using Benchmarks.Client;
using Benchmarks.Servers;

namespace Benchmarks.Measurements;

/// <summary>From when an event was due to be published until it is read: for StreamApi through Postgres, Broadcaster
/// and Redis to another replica, and to the same one; for the others through memory.</summary>
internal sealed class PublishToReceive : Measurement
{
    private const int Rate = 1_000;

    public PublishToReceive()
        : base("publish-to-receive", $"{Rate} publishes/s, one subscriber") =>
        Goals = new Dictionary<string, Goal>
        {
            [Figures.P50.Name] = Goal.AtMost(5),
            [Figures.P99.Name] = Goal.AtMost(25),
        };

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        // A replica gives what it commits to its own readers at once; the whole way is from one replica to the other.
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
            }
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
        // The first is not measured: this path has code of its own that is compiled while it runs.
        if (run.Round == 1 || publishedAt != readAt)
            await OneAsync(run.Seconds(2));
        var (read, published) = await OneAsync(run.Seconds(6));
        if (publishedAt == run.StreamApi && (read.Lost > 0 || read.Wrong > 0))
            run.Wrong.Add($"{Name}: {read.Lost} lost, {read.Wrong} doubled or out of order.");
        run.Record(
            this,
            name,
            (Figures.P50, read.P50Ms),
            (Figures.P99, read.P99Ms),
            (Figures.AppendP50, published.P50Ms),
            (Figures.AppendP99, published.P99Ms),
            (Figures.Rate, read.Events / published.Seconds)
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
