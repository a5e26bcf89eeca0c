using Benchmarks.Client;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures the memory of 5,000 idle streams on a new server.</summary>
internal sealed class Memory : Measurement
{
    private const int Streams = 5_000,
        FirstSeconds = 3,
        SettledSeconds = 25;

    /// <summary>A server returns what its start has left, which would count as less than nothing a stream.</summary>
    private static readonly TimeSpan StartSettles = TimeSpan.FromSeconds(SettledSeconds);

    public Memory()
        : base("memory", $"{Streams:N0} idle subscribers on a fresh server") =>
        Goals = new Dictionary<string, Goal>
        {
            [MetricCatalog.Memory.Name] = Goal.AtMost(1.4, "Nchan"),
            [MetricCatalog.Settled.Name] = Goal.AtMost(1.0, "Nchan"),
        };

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            async kind =>
            {
                await using var peer = await kind.StartAnotherAsync(cancellationToken);
                // Loads the code of a first stream, which must not count as a stream's memory.
                await FanOut.DeliverAsync(run, peer, 20, 20, 1, cancellationToken);
                await Task.Delay(StartSettles, cancellationToken);
                var empty = ProcessStats.MemoryKb(peer.Front);

                var (readers, _) = await Clients.OpenAsync(
                    new ReadOrder([peer.Subscribe(run.NewTopic())], Streams, 0, 120),
                    cancellationToken
                );

                await using var _ = readers;
                await Task.Delay(TimeSpan.FromSeconds(FirstSeconds), cancellationToken);
                var first = ProcessStats.MemoryKb(peer.Front);

                await Task.Delay(TimeSpan.FromSeconds(SettledSeconds - FirstSeconds), cancellationToken);
                var settled = ProcessStats.MemoryKb(peer.Front);
                run.Record(
                    this,
                    kind.Name,
                    (MetricCatalog.Memory, (first - empty) / Streams),
                    (MetricCatalog.Settled, (settled - empty) / Streams)
                );
            },
            cancellationToken
        );
}
