using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace ServiceDefaults.Prometheus;

/// <summary>Metrics for Prometheus, beside OTLP and off by default (docs/decisions/0032).</summary>
internal static class PrometheusExtensions
{
    /// <summary>Path of the metrics on their own port.</summary>
    public const string Path = "/metrics";

    /// <summary>
    /// Series per connection, with the clients' addresses. Prometheus would keep each after its connection has ended.
    /// </summary>
    private const string PerConnection = "sse.server.slowest_connections";

    /// <summary>Serves the metrics if <c>Telemetry:Prometheus:Url</c> is set.</summary>
    /// <exception cref="InvalidOperationException">The setting is not an address with a port.</exception>
    public static MeterProviderBuilder AddPrometheus(
        this MeterProviderBuilder metrics,
        IServiceCollection services,
        IConfiguration configuration
    )
    {
        if (PrometheusUrl.From(configuration) is not { } url)
            return metrics;
        var exporter = new PrometheusExporter();
        services.AddSingleton(url);
        services.AddSingleton(exporter);
        services.AddHostedService<MetricsServer>();
        return metrics
            .AddView(PerConnection, MetricStreamConfiguration.Drop)
            .AddReader(new BaseExportingMetricReader(exporter));
    }
}
