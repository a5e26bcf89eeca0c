using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Unit.ServiceDefaults;

[Collection(ProcessWide.Name)]
public class MetricsTests
{
    private const string Variable = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

    [Fact]
    public async Task Durations_are_exponential_histograms_without_streams_and_probes()
    {
        var metrics = new ExportedMetrics();
        await using var service = await Service.StartAsync(
            builder =>
                builder.Services.ConfigureOpenTelemetryMeterProvider(m =>
                    m.AddReader(new BaseExportingMetricReader(metrics))
                ),
            app =>
            {
                app.MapGet("/quick", () => "quick");
                app.MapGet("/stream", () => "data: long\n\n").DisableHttpMetrics();
            }
        );

        foreach (var path in (string[])["/stream", "/health", "/alive", "/quick"])
            await service.Outside.GetAsync(path, TestContext.Current.CancellationToken);

        var duration = await Eventually.GetAsync(() =>
        {
            service.Services.GetRequiredService<MeterProvider>().ForceFlush();
            return metrics.Last.FirstOrDefault(m => m.Name == "http.server.request.duration");
        });
        Assert.Equal(MetricType.ExponentialHistogram, duration.MetricType);
        Assert.Equal(["/quick"], Routes(duration));
    }

    [Theory]
    [InlineData(null, MetricType.ExponentialHistogram)]
    [InlineData("base2_exponential_bucket_histogram", MetricType.ExponentialHistogram)]
    [InlineData("explicit_bucket_histogram", MetricType.Histogram)]
    public async Task OpenTelemetrys_variable_selects_the_histogram_buckets(string? aggregation, MetricType type)
    {
        var metrics = new ExportedMetrics();
        await using var service = await Service.StartAsync(
            builder =>
                builder.Services.ConfigureOpenTelemetryMeterProvider(m =>
                    m.AddReader(new BaseExportingMetricReader(metrics))
                ),
            null,
            (Variable, aggregation)
        );
        using var meter = new Meter("AspireSse.Tests");

        meter.CreateHistogram<double>("test.duration", "s").Record(0.003);
        service.Services.GetRequiredService<MeterProvider>().ForceFlush();
        Assert.Equal(type, metrics.Last.Single(m => m.Name == "test.duration").MetricType);
    }

    [Fact]
    public async Task Another_value_of_that_variable_is_refused_by_its_name()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Service.StartAsync(settings: (Variable, "tdigest"))
        );
        Assert.Contains(Variable, refused.Message, StringComparison.Ordinal);
    }

    private static List<object?> Routes(Metric metric)
    {
        var routes = new List<object?>();
        foreach (ref readonly var point in metric.GetMetricPoints())
        foreach (var tag in point.Tags)
            if (tag.Key == "http.route")
                routes.Add(tag.Value);

        return routes;
    }
}
