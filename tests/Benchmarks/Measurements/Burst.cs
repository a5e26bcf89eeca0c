namespace Benchmarks.Measurements;

/// <summary>300 events as fast as they are accepted: what a server joins that is behind.</summary>
internal sealed class Burst : Measurement
{
    public Burst()
        : base("burst", "300 events at once to 1,000 subscribers") =>
        Goals = new Dictionary<string, Goal> { [Figures.Cpu.Name] = Goal.AtMost(0.3, "Nchan") };

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            peer => FanOut.MeasureAsync(this, run, peer, 1_000, rate: 0, seconds: 5, connections: 4, cancellationToken)
        );
}
