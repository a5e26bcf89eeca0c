namespace Benchmarks.Measurements;

/// <summary>Measures the server's allocation for a delivery: the same events to
/// one and to a thousand subscribers, and the difference for each.</summary>
internal sealed class Allocation : Measurement
{
    private const int Rate = 50,
        Many = 1_000;

    public Allocation()
        : base("allocation", $"{Rate} events/s to 1 and to {Many:N0} subscribers") =>
        Goals = new Dictionary<string, Goal> { [MetricCatalog.Allocated.Name] = Goal.AtMost(1) };

    public override bool ComparesBuilds => true;

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            async peer =>
            {
                if (peer.Probe is null)
                    return;

                var (few, many) = (await PerEventAsync(1), await PerEventAsync(Many));
                run.Record(
                    this,
                    peer.Name,
                    (MetricCatalog.Allocated, (many - few) / (Many - 1)),
                    (MetricCatalog.AllocatedEvent, few)
                );

                async Task<double> PerEventAsync(int subscribers)
                {
                    var delivery = await FanOut.DeliverAsync(
                        run,
                        peer,
                        subscribers,
                        Rate,
                        run.Seconds(4),
                        cancellationToken
                    );
                    return delivery.Allocated * subscribers / (double)delivery.Read.Events;
                }
            },
            cancellationToken
        );
}
