using Benchmarks.Client;
using Benchmarks.Machine;

namespace Benchmarks.Measurements;

/// <summary>
/// Whether LoadTests says what an independent client says: the raw reader reads along, the same events at the same
/// time. Few streams each, so that nobody's
/// place in the fan-out matters.
/// </summary>
internal sealed class Agreement : Measurement
{
    private const string Raw = "raw reader";
    private const int Clients = 10,
        Rate = 200,
        Seconds = 16;

    public Agreement()
        : base(
            "agreement",
            $"the same events, up to {Rate}/s, read by {Clients} clients of LoadTests and {Clients} "
                + "of the raw reader at the same time"
        ) =>
        Goals = new[] { Figures.P50, Figures.P99, Figures.Received }.ToDictionary(
            f => f.Name,
            _ => Goal.Within(0.9, 1.1, Raw)
        );

    public override string Ours => "LoadTests";

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        var topics = run.NewTopic();
        var limit = Seconds + 120;
        var (readers, _) = await Client.Clients.OpenAsync(
            new ReadOrder([run.StreamApi.Subscribe($"{topics}.fanout.all.>")], Clients, 0, limit),
            cancellationToken
        );
        await using var _ = readers;
        var result = await LoadTestsProgram.RunAsync(
            run,
            ["--topics", topics, "--clients", $"{Clients}", "--rate", $"{Rate}", "--seconds", $"{Seconds}", "fanout"],
            cancellationToken
        );
        readers.End();
        var raw = await readers.NextAsync<ReadResult>(cancellationToken);
        var latency = result.GetProperty("deliveryMs");
        run.Record(
            this,
            Ours,
            (Figures.P50, latency.GetProperty("p50").GetDouble()),
            (Figures.P99, latency.GetProperty("p99").GetDouble()),
            (Figures.Received, result.GetProperty("received").GetDouble())
        );
        run.Record(this, Raw, (Figures.P50, raw.P50Ms), (Figures.P99, raw.P99Ms), (Figures.Received, raw.Events));
    }
}
