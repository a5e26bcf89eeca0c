using Benchmarks.Client;

namespace Benchmarks.Measurements;

/// <summary>Compares the results of LoadTests with those of an independent client, the raw reader, on the same
/// events at the same time. Few streams each, so that the order of the fan-out does not matter.</summary>
internal sealed class Agreement : Measurement
{
    private const string Raw = "raw reader";
    private const int Clients = 10,
        Rate = 200,
        Seconds = 16;

    public Agreement()
        : base(
            "agreement",
            $"the same events, up to {Rate}/s, "
                + $"read by {Clients} clients of LoadTests and {Clients} of the raw reader at the same time"
        ) =>
        Goals = new[] { MetricCatalog.P50, MetricCatalog.P99, MetricCatalog.Received }.ToDictionary(
            f => f.Name,
            _ => Goal.Within(0.9, 1.1, Raw)
        );

    public override string Subject => "LoadTests";

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
            run.StreamApi.Address,
            ["--topics", topics, "--clients", $"{Clients}", "--rate", $"{Rate}", "--seconds", $"{Seconds}", "fanout"],
            cancellationToken
        );
        readers.End();

        var raw = await readers.NextAsync<ReadResult>(cancellationToken);
        var latency = result.GetProperty("deliveryMs");
        run.Record(
            this,
            Subject,
            (MetricCatalog.P50, latency.GetProperty("p50").GetDouble()),
            (MetricCatalog.P99, latency.GetProperty("p99").GetDouble()),
            (MetricCatalog.Received, result.GetProperty("received").GetDouble())
        );

        run.Record(
            this,
            Raw,
            (MetricCatalog.P50, raw.P50Ms),
            (MetricCatalog.P99, raw.P99Ms),
            (MetricCatalog.Received, raw.Events)
        );
    }
}
