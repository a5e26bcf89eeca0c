using Benchmarks.Client;
using Benchmarks.Machine;

namespace Benchmarks.Measurements;

/// <summary>
/// What the load tests' clients cost (HTTP, parsing, ledger, histograms, and publishing, which they do in the same
/// process) beside the raw reader of these
/// benchmarks, which looks for two numbers in each event and does no more, by itself and on .NET's own HTTP client, and
/// beside a C program that does the same work
/// as they do but publish: is the generator the bottleneck? Of all, what counts begins when all are connected and the
/// code is compiled, and has the same events at the same rate in it.
/// </summary>
internal sealed class Generator : Measurement
{
    private const string Raw = "raw reader",
        OverHttp = "raw reader on HttpClient",
        InC = "C reader";
    private const int Clients = 5_000,
        Rate = 10,
        Seconds = 8;

    public Generator()
        : base("generator", $"LoadTests with {Clients:N0} clients, {Rate} events/s to each") =>
        Goals = new Dictionary<string, Goal> { [Figures.Generator.Name] = Goal.AtMost(2, InC) };

    public override string Ours => "LoadTests";

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        if (run.Round % 2 == 0)
            await ReadOthersAsync(run, cancellationToken);
        // Half of the time the rate rises, and LoadTests warms up; the other half is its steady window.
        var result = await LoadTestsProgram.RunAsync(
            run,
            ["--clients", $"{Clients}", "--rate", $"{Rate}", "--seconds", $"{2 * Seconds}", "fanout"],
            cancellationToken
        );
        var latency = result.GetProperty("steadyDeliveryMs");
        run.Record(
            this,
            Ours,
            (Figures.Generator, result.GetProperty("generator").GetProperty("cpuMicrosecondsPerEvent").GetDouble()),
            (Figures.Rate, result.GetProperty("deliveredPerSecond").GetDouble()),
            (Figures.P50, latency.GetProperty("p50").GetDouble()),
            (Figures.P99, latency.GetProperty("p99").GetDouble())
        );
        if (run.Round % 2 == 1)
            await ReadOthersAsync(run, cancellationToken);
    }

    private async Task ReadOthersAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        await ReadAsync(run, Raw, ReaderKind.Raw, cancellationToken);
        await ReadAsync(run, OverHttp, ReaderKind.Http, cancellationToken);
        if (CReader.Missing is not { } missing)
            await ReadAsync(run, InC, ReaderKind.C, cancellationToken);
        else if (run.Round == 1)
            run.Skipped.Add($"{Name}, {InC}: {missing}");
    }

    private Task ReadAsync(BenchmarkRun run, string reader, ReaderKind kind, CancellationToken cancellationToken) =>
        FanOut.MeasureAsync(
            this,
            run,
            run.StreamApi,
            Clients,
            Rate,
            Seconds,
            connections: 4,
            cancellationToken,
            servedAs: reader,
            kind
        );
}
