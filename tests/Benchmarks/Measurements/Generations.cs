using System.Text.Json;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures answers of a model server that are stored and read token by token, with readers that drop and
/// resume: the cost of a token, and its time from the model server's socket to the reader.</summary>
internal sealed class Generations() : Measurement("generations", $"{Answers} answers at once, {Rate} tokens/s each")
{
    private const int Answers = 100,
        Rate = 50,
        Seconds = 12;

    private readonly HashSet<Peer> _warm = [];

    public override bool ComparesBuilds => true;

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            async peer =>
            {
                // Nchan and the plain server have no answers.
                if (peer is not StreamApiPeer server)
                    return;

                if (_warm.Add(server))
                    await FanOut.WarmUpAsync(server, () => GenerateAsync(server, cancellationToken));

                var (cpu, front) = (ProcessStats.Cpu(peer.Processes), ProcessStats.Cpu(peer.Front));
                var result = await GenerateAsync(server, cancellationToken);
                cpu = ProcessStats.Cpu(peer.Processes) - cpu;
                front = ProcessStats.Cpu(peer.Front) - front;

                var tokens = result.GetProperty("received").GetInt64();
                var latency = result.GetProperty("deliveryMs");
                run.Record(
                    this,
                    peer.Name,
                    (MetricCatalog.TokenCpu, cpu * 1e6 / tokens),
                    (MetricCatalog.TokenFrontCpu, front * 1e6 / tokens),
                    (MetricCatalog.P50, latency.GetProperty("p50").GetDouble()),
                    (MetricCatalog.P99, latency.GetProperty("p99").GetDouble()),
                    (MetricCatalog.Received, tokens)
                );
            },
            cancellationToken
        );

    private static Task<JsonElement> GenerateAsync(StreamApiPeer server, CancellationToken cancellationToken) =>
        LoadTestsProgram.RunAsync(
            server.Address,
            [
                "--clients",
                $"{Answers}",
                "--rate",
                $"{Rate}",
                "--seconds",
                $"{Seconds}",
                "--llm-upstream-port",
                $"{server.System.ModelPort}",
                "llm",
            ],
            cancellationToken
        );
}
