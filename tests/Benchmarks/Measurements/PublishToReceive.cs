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
            [MetricCatalog.P50.Name] = Goal.AtMost(5),
            [MetricCatalog.P99.Name] = Goal.AtMost(25),
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

        var delivery = await OneAsync(run.Seconds(6));
        if (!run.IsWhole(this, publishedAt, delivery.Read))
            return;

        run.Record(
            this,
            name,
            (MetricCatalog.P50, delivery.Read.P50Ms),
            (MetricCatalog.P99, delivery.Read.P99Ms),
            (MetricCatalog.AppendP50, delivery.Published.P50Ms),
            (MetricCatalog.AppendP99, delivery.Published.P99Ms),
            (MetricCatalog.Rate, delivery.Read.Events / delivery.Published.Seconds)
        );

        Task<Delivery> OneAsync(double seconds) =>
            FanOut.DeliverAsync(
                run,
                readAt,
                1,
                Rate,
                seconds,
                cancellationToken,
                publishedAt: publishedAt,
                connections: 32
            );
    }
}
