namespace Benchmarks.Measurements;

/// <summary>Compares the cost of the load tests' clients with the raw reader, to see whether the generator is the
/// bottleneck. Both are measured once connected and compiled, with the same events at the same rate.</summary>
internal sealed class Generator : Measurement
{
    private const string Raw = "raw reader";
    private const int Clients = 5_000,
        Rate = 10,
        Seconds = 8;

    public Generator()
        : base("generator", $"LoadTests with {Clients:N0} clients, {Rate} events/s to each") =>
        Goals = new Dictionary<string, Goal> { [MetricCatalog.Generator.Name] = Goal.AtMost(2, Raw) };

    public override string Subject => "LoadTests";

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        if (run.Round % 2 == 0)
            await ReadRawAsync(run, cancellationToken);

        // The first half is LoadTests' ramp and warm-up, the second half its steady window.
        var result = await LoadTestsProgram.RunAsync(
            run.StreamApi.Address,
            ["--clients", $"{Clients}", "--rate", $"{Rate}", "--seconds", $"{2 * Seconds}", "fanout"],
            cancellationToken
        );
        var latency = result.GetProperty("steadyDeliveryMs");
        run.Record(
            this,
            Subject,
            (
                MetricCatalog.Generator,
                result.GetProperty("generator").GetProperty("cpuMicrosecondsPerEvent").GetDouble()
            ),
            (MetricCatalog.Rate, result.GetProperty("deliveredPerSecond").GetDouble()),
            (MetricCatalog.P50, latency.GetProperty("p50").GetDouble()),
            (MetricCatalog.P99, latency.GetProperty("p99").GetDouble())
        );

        if (run.Round % 2 == 1)
            await ReadRawAsync(run, cancellationToken);
    }

    private Task ReadRawAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        FanOut.MeasureAsync(this, run, run.StreamApi, Clients, Rate, Seconds, cancellationToken, servedAs: Raw);
}
