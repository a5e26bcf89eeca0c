namespace Benchmarks.Measurements;

/// <summary>Measures 300 events as fast as they are accepted, which
/// shows how a server that is behind coalesces writes.</summary>
internal sealed class Burst : Measurement
{
    public Burst()
        : base("burst", "300 events at once to 1,000 subscribers") =>
        Goals = new Dictionary<string, Goal> { [Metrics.Cpu.Name] = Goal.AtMost(0.3, "Nchan") };

    public override bool ComparesBuilds => true;

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            peer => FanOut.MeasureAsync(this, run, peer, 1_000, rate: 0, seconds: 5, connections: 4, cancellationToken),
            cancellationToken
        );
}
