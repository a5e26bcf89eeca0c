using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ServiceDefaults.Health;
using ServiceDefaults.Http;
using ServiceDefaults.Telemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>What every service calls first: telemetry, health, service discovery, resilience.</summary>
public static class Extensions
{
    private const string HealthPath = "/health";
    private const string AlivePath = "/alive";

    /// <summary>
    /// Adds what all services share. The services need nothing else: spans get their route and status by themselves,
    /// every
    /// <see cref="HttpClient"/> of the factory finds services by name and survives transient failures.
    /// </summary>
    /// <remarks>
    /// An outgoing stream (<c>Accept: text/event-stream</c>, or marked by <see cref="StreamRequests.AsStream"/>) is
    /// neither timed out
    /// nor retried; other requests are retried where their method is idempotent (RFC 9110 §9.2.2). At shutdown requests
    /// get 10 s.
    /// </remarks>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.ConfigureOpenTelemetry();
        builder.AddDefaultHealthChecks();
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler(StreamAwareResilience.Configure);
            http.AddServiceDiscovery();
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(10));
        return builder;
    }

    /// <summary>
    /// Collects traces, metrics and logs of the framework, Npgsql and everything of ours (<c>AspireSse.*</c>, and the
    /// application's own
    /// name). They leave by OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set, and are flushed when the host stops.
    /// </summary>
    /// <remarks>
    /// The length of a stream is no latency: a stream's endpoint calls <c>DisableHttpMetrics()</c>, which keeps it out
    /// of
    /// <c>http.server.request.duration</c>. Histograms are exponential, or have explicit buckets where
    /// <c>OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION</c> says so; both with exemplars from the traces.
    /// </remarks>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var name = builder.Environment.ApplicationName;
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        var telemetry = builder.Services.AddOpenTelemetry();
        telemetry
            // The environment comes last: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, which the AppHost sets, win.
            .ConfigureResource(resource => resource.AddService(name).AddEnvironmentVariableDetector())
            .WithTracing(tracing =>
                tracing
                    .AddSource("Microsoft.AspNetCore", "System.Net.Http", "Npgsql", "AspireSse.*", name)
                    .AddProcessor(new QuietSpans([HealthPath, AlivePath], onlyWithinTraces: ["Npgsql"]))
            )
            .WithMetrics(metrics =>
                metrics
                    .AddMeter("Microsoft.AspNetCore.*", "System.Net.*", "System.Runtime", "Npgsql", "AspireSse.*", name)
                    .AddView(HistogramView.For(builder.Configuration[HistogramView.Variable]))
                    .SetExemplarFilter(ExemplarFilterType.TraceBased)
            );
        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            telemetry.UseOtlpExporter();
        }

        RequestSpans.EnableNativeTags();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, RequestSpans>());
        return builder;
    }

    /// <summary>
    /// Adds the check behind <c>/alive</c>, and makes of Redis what it is here: an accelerator. A Redis that is away or
    /// frozen makes a
    /// service degraded, never unhealthy.
    /// </summary>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        builder.Services.PostConfigure<HealthCheckServiceOptions>(RedisIsOptional.Configure);
        // Degraded would be a warning and starting an error at every probe; health says it, and so do the logs of
        // whoever noticed.
        builder.Logging.AddFilter(
            "Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService",
            LogLevel.Critical
        );
        return builder;
    }

    /// <summary>
    /// Maps <c>/health</c> (ready: every check; degraded answers 200, unhealthy 503) and <c>/alive</c> (the process
    /// answers), in every
    /// environment. They say status and descriptions, never an exception.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealthChecks(HealthPath, new HealthCheckOptions { ResponseWriter = HealthReports.WriteAsync })
            .DisableHttpMetrics()
            .AllowAnonymous()
            .DisableRateLimiting();
        app.MapHealthChecks(
                AlivePath,
                new HealthCheckOptions
                {
                    Predicate = check => check.Tags.Contains("live"),
                    ResponseWriter = HealthReports.WriteAsync,
                }
            )
            .DisableHttpMetrics()
            .AllowAnonymous()
            .DisableRateLimiting();
        return app;
    }
}
