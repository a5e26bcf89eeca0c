using Benchmarks.Client;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures 5,000 new streams at once on a warm server: connects a second, and the cost of one.</summary>
internal sealed class Connects() : Measurement("connects", $"{Streams:N0} new streams at once")
{
    private const int Streams = 5_000,
        First = 2_000;

    public override bool ComparesBuilds => true;

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(this, peer => MeasureAsync(this, run, peer, cancellationToken), cancellationToken);

    public static async Task MeasureAsync(
        Measurement measurement,
        BenchmarkRun run,
        Peer peer,
        CancellationToken cancellationToken
    )
    {
        await OpenAsync(First);
        // Lets the server close the old streams and recompile.
        await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken);
        var (cpu, front) = (ProcessStats.Cpu(peer.Processes), ProcessStats.Cpu(peer.Front));

        var ready = await OpenAsync(
            Streams,
            () => (cpu, front) = (ProcessStats.Cpu(peer.Processes) - cpu, ProcessStats.Cpu(peer.Front) - front)
        );

        run.Record(
            measurement,
            peer.Name,
            (MetricCatalog.Connects, Streams / ready.Seconds),
            (MetricCatalog.ConnectCpu, cpu * 1e6 / Streams),
            (MetricCatalog.ConnectFrontCpu, front * 1e6 / Streams)
        );

        async Task<ReadersReady> OpenAsync(int streams, Action? whenOpen = null)
        {
            var (readers, ready) = await Clients.OpenAsync(
                new ReadOrder([peer.Subscribe(run.NewTopic())], streams, 0, 60),
                cancellationToken
            );
            whenOpen?.Invoke();
            await readers.DisposeAsync();

            return ready;
        }
    }
}
