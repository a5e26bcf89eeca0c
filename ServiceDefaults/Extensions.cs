using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ServiceDefaults.Health;
using ServiceDefaults.Http;
using ServiceDefaults.Prometheus;
using ServiceDefaults.Telemetry;

namespace Microsoft.Extensions.Hosting;

/// <summary>The defaults that every service starts with: telemetry, health, service discovery, resilience.</summary>
public static class Extensions
{
    private const string HealthPath = "/health";
    private const string AlivePath = "/alive";

    /// <summary>The source of the Redis client's spans, which <c>Aspire.StackExchange.Redis</c> registers.</summary>
    private const string RedisSpans = "OpenTelemetry.Instrumentation.StackExchangeRedis";

    /// <summary>Adds the defaults. The factory's clients find services by name and retry transient failures.</summary>
    /// <remarks>An outgoing stream (<c>Accept: text/event-stream</c>, or <see cref="OutgoingStreams.AsStream"/>) has no
    /// timeout and no retry; other requests are retried if their method is idempotent (RFC 9110 §9.2.2). At shutdown,
    /// requests get 10 s to finish. A systemd unit of <c>Type=notify</c> learns when the service is ready and when it
    /// stops (sd_notify(3)).</remarks>
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
        builder.Services.AddSystemd();

        return builder;
    }

    /// <summary>Collects telemetry of framework, Npgsql and services, for OTLP if <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is
    /// set (the last at the stop) and for Prometheus if <c>Telemetry:Prometheus:Url</c> is.</summary>
    /// <remarks>A stream's duration is not a latency, so a stream that has begun stays out of
    /// <c>http.server.request.duration</c> (<c>IHttpMetricsTagsFeature.MetricsDisabled</c>); a refused one is in
    /// it.</remarks>
    public static TBuilder ConfigureOpenTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var name = builder.Environment.ApplicationName;
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        // The Redis client describes each attempt to connect in a dozen lines. A lost connection is a warning of ours.
        builder.Logging.AddFilter("StackExchange.Redis", LogLevel.None);

        var telemetry = builder.Services.AddOpenTelemetry();
        telemetry
            // The environment comes last and wins: the AppHost sets OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
            .ConfigureResource(resource => resource.AddService(name).AddEnvironmentVariableDetector())
            .WithTracing(tracing =>
                tracing
                    .AddAspNetCoreInstrumentation(RequestSpans.Configure)
                    .AddSource("System.Net.Http", "Npgsql", "AspireSse.*", name)
                    .AddProcessor(
                        new QuietSpans(
                            [HealthPath, AlivePath, PrometheusExtensions.Path],
                            onlyWithinTraces: ["Npgsql", RedisSpans]
                        )
                    )
            )
            .WithMetrics(metrics =>
                metrics
                    .AddMeter("Microsoft.AspNetCore.*", "System.Net.*", "System.Runtime", "Npgsql", "AspireSse.*", name)
                    .AddView(
                        HistogramView.For(
                            builder.Configuration[HistogramView.Variable],
                            PrometheusUrl.From(builder.Configuration) is not null
                        )
                    )
                    .SetExemplarFilter(ExemplarFilterType.TraceBased)
                    .AddPrometheus(builder.Services, builder.Configuration)
            );

        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            telemetry.UseOtlpExporter();

        builder.Services.AddSingleton<IConfigureOptions<KestrelServerOptions>, CertificateExpiry>();
        RequestSpans.EnableNativeTags();
        return builder;
    }

    /// <summary>Adds the check behind <c>/alive</c>; a Redis that is away or frozen only degrades a service.</summary>
    public static TBuilder AddDefaultHealthChecks<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        builder.Services.PostConfigure<HealthCheckServiceOptions>(RedisIsOptional.Configure);
        // Otherwise each probe would log a warning for Degraded and an error at startup; /health already shows both.
        builder.Logging.AddFilter(
            "Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService",
            LogLevel.Critical
        );

        return builder;
    }

    /// <summary>Maps <c>/health</c> (every check; degraded answers 200, unhealthy 503) and <c>/alive</c> (the process
    /// answers) in every environment. The answers never show an exception.</summary>
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
