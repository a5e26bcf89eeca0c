using Benchmarks.Servers;

namespace Benchmarks.Measurements;

/// <summary>Measures two replicas of one system: one takes the connections of its streams over, the other writes to
/// Kestrel's responses, as an application does by default.</summary>
internal sealed class TakeoverGain : Measurement
{
    private const string Plain = "plain writer";
    private const int Streams = 1_000,
        Rate = 50;

    public TakeoverGain()
        : base("takeover", $"{Rate} events/s to {Streams:N0} subscribers, with and without connection takeover") =>
        Goals = new Dictionary<string, Goal> { [MetricCatalog.FrontCpu.Name] = Goal.AtMost(1, Plain) };

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        await using var plain = await run.StreamApi.StartAnotherAsync(
            new Dictionary<string, string> { ["AspireSse__Streaming__TakeOverConnections"] = "false" },
            cancellationToken
        );
        await FanOut.WarmUpAsync(run, plain, cancellationToken);

        (StreamApiPeer Peer, string Name)[] replicas = [(run.StreamApi, Subject), (plain, Plain)];
        foreach (var (peer, name) in run.Round % 2 == 1 ? replicas : replicas.Reverse())
            await FanOut.MeasureAsync(this, run, peer, Streams, Rate, run.Seconds(5), cancellationToken, name);
    }
}
