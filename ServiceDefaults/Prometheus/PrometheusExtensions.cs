using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace ServiceDefaults.Prometheus;

/// <summary>Metrics for Prometheus, beside OTLP and off by default (docs/decisions/0032).</summary>
internal static class PrometheusExtensions
{
    public const string Path = "/metrics";

    /// <summary>Series per connection with client addresses, which Prometheus would keep after their end.</summary>
    private const string PerConnection = "sse.server.slowest_connections";

    /// <summary>Serves the metrics if <c>Telemetry:Prometheus:Url</c> is set.</summary>
    public static MeterProviderBuilder AddPrometheus(
        this MeterProviderBuilder metrics,
        IServiceCollection services,
        IConfiguration configuration
    )
    {
        if (PrometheusUrl.From(configuration) is not { } url)
            return metrics;

        services.AddSingleton(url);
        services.AddHostedService<MetricsServer>();
        return metrics
            .AddView(PerConnection, MetricStreamConfiguration.Drop)
            .AddPrometheusExporter(exporter =>
            {
                // No two meters here have a metric of the same name, so a label with the meter's name tells nothing.
                exporter.ScopeInfoEnabled = false;
                // A scrape shows the values of its own moment. Simultaneous scrapes share one anyway.
                exporter.ScrapeResponseCacheDurationMilliseconds = 0;
            });
    }
}
