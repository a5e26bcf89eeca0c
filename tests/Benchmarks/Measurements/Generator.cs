using System.Text.Json;
using Benchmarks.Client;
using Benchmarks.Machine;

namespace Benchmarks.Measurements;

/// <summary>
/// What the load tests' clients cost (HTTP, parsing, ledger, histograms) beside the raw reader of these benchmarks, which does no more than a C program
/// would: is the generator the bottleneck?
/// </summary>
internal sealed class Generator : Measurement
{
    private const string Raw = "raw reader";
    private const int Clients = 5_000, Rate = 10;

    public Generator() : base("generator", $"LoadTests with {Clients:N0} clients, {Rate} events/s to each") =>
        Goals = new Dictionary<string, Goal> { [Figures.Generator.Name] = Goal.AtMost(2, Raw) };

    public override string Ours => "LoadTests";

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        var seconds = (int)run.Seconds(8);
        var reports = Directory.CreateTempSubdirectory("benchmarks-load-").FullName;
        try
        {
            var output = await Command.RunAsync("LoadTests",
                ["dotnet", Repository.Service("LoadTests"), "--target", run.StreamApi.Address.ToString(), "--clients", $"{Clients}", "--rate", $"{Rate}", "--seconds", $"{seconds}", "--reports", reports, "fanout"], null, cancellationToken);
            var result = JsonDocument.Parse(output.Split('\n').Last(l => l.StartsWith("{\"scenario\"", StringComparison.Ordinal))).RootElement;
            run.Record(this, Ours, (Figures.Generator, result.GetProperty("generator").GetProperty("cpuMicrosecondsPerEvent").GetDouble()), (Figures.Rate, result.GetProperty("deliveredPerSecond").GetDouble()),
                (Figures.P99, result.GetProperty("deliveryMs").GetProperty("p99").GetDouble()));
        }
        finally { Directory.Delete(reports, recursive: true); }
        await FanOut.MeasureAsync(this, run, run.StreamApi, Clients, Rate, seconds, connections: 4, cancellationToken, servedAs: Raw);
    }
}
