using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace ServiceDefaults.Prometheus;

/// <summary>Serves <c>/metrics</c> on a port of its own: the service's addresses, limits and credentials do not apply
/// there, and a proxy that publishes the service does not publish it.</summary>
/// <param name="metrics">Resolved before the services' own metrics: a count before that is not exported.</param>
internal sealed class MetricsServer(MeterProvider metrics, PrometheusUrl url, ILogger<MetricsServer> logger)
    : IHostedService,
        IAsyncDisposable
{
    /// <summary>Enough for several Prometheus servers and an operator with curl.</summary>
    private const int MaxConnections = 20;

    private WebApplication? _server;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            })
            .UseUrls(url.Value);
        builder.Services.AddRoutingCore();

        _server = builder.Build();
        _server.UseRouting();
        _server.MapPrometheusScrapingEndpoint(PrometheusExtensions.Path, metrics, null, null).DisableHttpMetrics();

        try
        {
            await _server.StartAsync(cancellationToken);
        }
        catch (IOException e)
        {
            throw new InvalidOperationException($"{PrometheusUrl.Setting} cannot be used: {e.Message}", e);
        }

        logger.LogInformation(
            "Prometheus reads the metrics at {Url}{Path}",
            _server.Urls.First(),
            PrometheusExtensions.Path
        );
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is not null)
            await _server.StopAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }
}
