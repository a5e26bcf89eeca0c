using Benchmarks.Servers;

namespace Benchmarks.Measurements;

/// <summary>Measures what an application gets without any setting, beside the framework's own result: streams that are
/// written to Kestrel's response.</summary>
internal sealed class LibraryDefault : Measurement
{
    private const string Plain = "plain ASP.NET";
    private const int Streams = 1_000,
        Rate = 50;

    public LibraryDefault()
        : base(
            "library",
            $"{Rate} events/s to {Streams:N0} subscribers of AddSse() with its defaults, connects, memory"
        ) =>
        Goals = new Dictionary<string, Goal>
        {
            // A delivery's and a connect's.
            [MetricCatalog.FrontCpu.Name] = Goal.AtMost(1.1, Plain),
            [MetricCatalog.Settled.Name] = Goal.AtMost(1.1, Plain),
        };

    public override string Subject => PlainPeer.Library;

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        await using var library = await PlainPeer.StartLibraryAsync(cancellationToken);
        await using var plain = await PlainPeer.StartAsync(cancellationToken);

        foreach (var peer in run.Round % 2 == 1 ? (Peer[])[library, plain] : [plain, library])
        {
            await FanOut.WarmUpAsync(run, peer, cancellationToken);
            await FanOut.MeasureAsync(this, run, peer, Streams, Rate, run.Seconds(5), cancellationToken);
            await Connects.MeasureAsync(this, run, peer, cancellationToken);
            await Memory.MeasureAsync(this, run, peer, cancellationToken);
        }
    }
}
