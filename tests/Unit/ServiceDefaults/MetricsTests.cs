using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Unit.Tests.ServiceDefaults;

[Collection(ProcessTelemetry.Name)]
public class MetricsTests
{
    [Fact]
    public async Task Durations_are_exponential_histograms_and_streams_and_probes_are_not_in_them()
    {
        var metrics = new ExportedMetrics();
        await using var service = await Service.StartAsync(
            builder => builder.Services.ConfigureOpenTelemetryMeterProvider(m => m.AddReader(new BaseExportingMetricReader(metrics))),
            app =>
            {
                app.MapGet("/quick", () => "quick");
                app.MapGet("/stream", () => "data: long\n\n").DisableHttpMetrics();
            });
        foreach (var path in (string[])["/stream", "/health", "/alive", "/quick"])
        {
            await service.Outside.GetAsync(path, TestContext.Current.CancellationToken);
        }

        var duration = await Eventually.GetAsync(() =>
        {
            service.Services.GetRequiredService<MeterProvider>().ForceFlush();
            return metrics.Last.FirstOrDefault(m => m.Name == "http.server.request.duration");
        });
        Assert.Equal(MetricType.ExponentialHistogram, duration.MetricType);
        Assert.Equal(["/quick"], Routes(duration));
    }

    private static List<object?> Routes(Metric metric)
    {
        var routes = new List<object?>();
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            foreach (var tag in point.Tags)
            {
                if (tag.Key == "http.route")
                {
                    routes.Add(tag.Value);
                }
            }
        }

        return routes;
    }
}
