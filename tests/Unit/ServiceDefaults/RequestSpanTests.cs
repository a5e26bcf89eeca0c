using System.Diagnostics;
using Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace Unit.ServiceDefaults;

[Collection(ProcessWide.Name)]
public class RequestSpanTests
{
    private static readonly ActivitySource Own = new("AspireSse.Tests");

    [Theory]
    [InlineData("/orders/5", "/orders/{id}", 202)]
    [InlineData("/broken", "/broken", 500)]
    public async Task A_request_is_named_by_its_route_without_a_slash_at_its_end_and_a_failure_has_its_exception(
        string path,
        string route,
        int status
    )
    {
        var (service, spans) = await StartAsync(app =>
        {
            app.MapGroup("/orders/{id}").MapGet("", (int id) => Results.StatusCode(202));
            app.MapGet("/broken", string () => throw new InvalidOperationException("broken"));
        });

        await using var _ = service;
        await service.Outside.GetAsync(path, TestContext.Current.CancellationToken);

        var span = await ServerSpanAsync(spans);
        Assert.Equal($"GET {route}", span.DisplayName);
        Assert.Equal(route, span.GetTagItem("http.route"));
        Assert.Equal(status, span.GetTagItem("http.response.status_code"));
        Assert.Equal(status == 500, span.Status == ActivityStatusCode.Error);
        Assert.Equal(status == 500, span.Events.Any(e => e.Name == "exception"));
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task A_query_is_in_no_span_whatever_redaction_an_operator_wants(string unredacted)
    {
        var (service, spans) = await StartAsync(
            settings: ("OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION", unredacted)
        );

        await using var _ = service;
        await service.Outside.GetAsync(
            "/?ticket=s3cret&%74icket=s3cret&text=s3cret&s3cret",
            TestContext.Current.CancellationToken
        );

        await ServerSpanAsync(spans);
        Assert.DoesNotContain(
            spans.All.Where(span => span.Kind == ActivityKind.Server).SelectMany(span => span.TagObjects),
            tag => tag.Value?.ToString()?.Contains("s3cret", StringComparison.Ordinal) == true
        );
    }

    [Fact]
    public async Task Health_probes_their_inner_calls_and_scrapes_are_not_traced()
    {
        var metrics = $"http://127.0.0.1:{FreePort.Take()}";
        // The AppHost sets always_on, which would record the children of a dropped span.
        var (service, spans) = await StartAsync(
            app => app.MapGet("/seen", () => "seen"),
            builder =>
            {
                builder.Services.ConfigureOpenTelemetryTracerProvider(t => t.SetSampler(new AlwaysOnSampler()));
                builder
                    .Services.AddHealthChecks()
                    .AddCheck(
                        "database",
                        () =>
                        {
                            using var query = Own.StartActivity("SELECT 1");
                            // As the Redis client's spans, which are made when their parent is over.
                            using var ping = Own.StartActivity(
                                ActivityKind.Internal,
                                Activity.Current!.Parent!.Context,
                                name: "PING"
                            );

                            return new();
                        }
                    );
            },
            ("Telemetry:Prometheus:Url", metrics)
        );

        await using var _ = service;
        await service.Outside.GetAsync($"{metrics}/metrics", TestContext.Current.CancellationToken);
        await service.Outside.GetAsync("/health", TestContext.Current.CancellationToken);
        await service.Outside.GetAsync("/alive", TestContext.Current.CancellationToken);
        await service.Outside.GetAsync("/seen", TestContext.Current.CancellationToken);

        await ServerSpanAsync(spans);
        // The probe's client is in this process too, but not part of the service.
        Assert.Equal(["GET /seen"], spans.All.Where(s => s.Kind != ActivityKind.Client).Select(s => s.DisplayName));
    }

    private static async Task<(Service, ExportedSpans)> StartAsync(
        Action<WebApplication>? map = null,
        Action<WebApplicationBuilder>? configure = null,
        params (string Key, string? Value)[] settings
    )
    {
        var spans = new ExportedSpans();
        var service = await Service.StartAsync(
            builder =>
            {
                builder.Services.ConfigureOpenTelemetryTracerProvider(t =>
                    t.AddProcessor(new SimpleActivityExportProcessor(spans))
                );
                configure?.Invoke(builder);
            },
            map,
            settings
        );

        return (service, spans);
    }

    private static Task<Activity> ServerSpanAsync(ExportedSpans spans) =>
        Eventually.GetAsync(() => spans.All.FirstOrDefault(s => s.Kind == ActivityKind.Server));
}
