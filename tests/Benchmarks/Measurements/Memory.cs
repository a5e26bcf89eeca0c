using Benchmarks.Client;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures the memory of 5,000 idle streams on a new server that has as many.</summary>
internal sealed class Memory : Measurement
{
    private const int Streams = 5_000,
        FirstSeconds = 3,
        SettledSeconds = 25;

    public Memory()
        : base("memory", $"{Streams:N0} idle subscribers beside as many on a fresh server") =>
        Goals = new Dictionary<string, Goal>
        {
            [MetricCatalog.Memory.Name] = Goal.AtMost(1.4, "Nchan"),
            [MetricCatalog.Settled.Name] = Goal.AtMost(1.0, "Nchan"),
        };

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(this, kind => MeasureAsync(this, run, kind, cancellationToken), cancellationToken);

    public static async Task MeasureAsync(
        Measurement measurement,
        BenchmarkRun run,
        Peer kind,
        CancellationToken cancellationToken
    )
    {
        await using var peer = await kind.StartAnotherAsync(cancellationToken);
        // They load the code, and have the server compact what its start has left: counted from before that, a settled
        // stream costs less than nothing.
        await using var before = await OpenAsync();
        await Task.Delay(TimeSpan.FromSeconds(SettledSeconds), cancellationToken);
        var others = ProcessStats.MemoryKb(peer.Front);

        await using var readers = await OpenAsync();
        await Task.Delay(TimeSpan.FromSeconds(FirstSeconds), cancellationToken);
        var first = ProcessStats.MemoryKb(peer.Front);

        await Task.Delay(TimeSpan.FromSeconds(SettledSeconds - FirstSeconds), cancellationToken);
        var settled = ProcessStats.MemoryKb(peer.Front);
        run.Record(
            measurement,
            kind.Name,
            (MetricCatalog.Memory, (first - others) / Streams),
            (MetricCatalog.Settled, (settled - others) / Streams)
        );

        async Task<IAsyncDisposable> OpenAsync()
        {
            var (process, _) = await Clients.OpenAsync(
                new ReadOrder([peer.Subscribe(run.NewTopic())], Streams, 0, 180),
                cancellationToken
            );
            return process;
        }
    }
}
