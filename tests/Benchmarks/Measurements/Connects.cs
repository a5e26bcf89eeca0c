using Benchmarks.Client;
using Benchmarks.Machine;
using Harness;
using Streaming;

namespace Benchmarks.Measurements;

/// <summary>5,000 new streams at once, on a server whose code for it is compiled: how fast it takes them, and what one
/// costs.</summary>
internal sealed class Connects() : Measurement("connects", $"{Streams:N0} new streams at once")
{
    private const int Streams = 5_000,
        First = 2_000;

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            async peer =>
            {
                await OpenAsync(First);
                // their ends, and what is compiled anew after them
                await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken);
                var (cpu, front) = (ProcessFigures.Cpu(peer.Processes), ProcessFigures.Cpu(peer.Front));
                var ready = await OpenAsync(
                    Streams,
                    () =>
                        (cpu, front) = (
                            ProcessFigures.Cpu(peer.Processes) - cpu,
                            ProcessFigures.Cpu(peer.Front) - front
                        )
                );
                run.Record(
                    this,
                    peer.Name,
                    (Figures.Connects, Streams / ready.Seconds),
                    (Figures.ConnectCpu, cpu * 1e6 / Streams),
                    (Figures.ConnectFrontCpu, front * 1e6 / Streams)
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
        );
}
