using System.Diagnostics.Metrics;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming.Metrics;

namespace Core.Streaming;

public sealed class StreamingMetricsTests : IDisposable
{
    private const int Usual = 20,
        Rare = 40,
        Flushes = 10;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MeterListener _listener = new();
    private readonly ManualTime _clock = new();
    private readonly List<double> _samples = [];
    private readonly StreamingMetrics _metrics;

    public StreamingMetricsTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _metrics = new StreamingMetrics(
            meters,
            Options.Create(new SseOptions { Writers = 1 }),
            _clock,
            NullLogger<StreamingMetrics>.Instance
        );

        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "sse.server.delivery.duration" && ReferenceEquals(instrument.Meter.Scope, meters))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => _samples.Add(seconds));
        _listener.Start();
    }

    /// <summary>Stragglers that were sampled more often would be the dashboard's p99.</summary>
    [Fact]
    public void A_sample_of_many_deliveries_contains_rare_ones_by_their_share()
    {
        int[] second = [.. Enumerable.Repeat(Usual, 2_000 * Rare - Rare), .. Enumerable.Range(Usual + 1, Rare)];

        for (var i = 0; i < Flushes; i++)
            Deliver(second);

        var usual = _samples.Min();
        // Every fortieth is in the sample, whichever is the first.
        Assert.Equal(Flushes, _samples.Count(s => s > usual));
        Assert.Equal(Flushes * 2_000, _samples.Count);
    }

    [Fact]
    public void Each_of_few_deliveries_is_in_the_sample()
    {
        for (var i = 0; i < Flushes; i++)
            Deliver([Usual, Usual, Usual + Rare]);
        Assert.Equal([2 * Flushes, Flushes], _samples.CountBy(s => s).OrderBy(s => s.Key).Select(s => s.Value));
    }

    public void Dispose()
    {
        _listener.Dispose();
        _metrics.Dispose();
        _services.Dispose();
    }

    private void Deliver(int[] buckets)
    {
        _metrics.Delivered(0, buckets);
        _clock.Advance(TimeSpan.FromSeconds(1));
    }
}
