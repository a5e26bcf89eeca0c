using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Unit.ServiceDefaults;

public class HealthTests
{
    [Theory]
    [InlineData(HealthStatus.Healthy, HttpStatusCode.OK)]
    [InlineData(HealthStatus.Degraded, HttpStatusCode.OK)]
    [InlineData(HealthStatus.Unhealthy, HttpStatusCode.ServiceUnavailable)]
    public async Task Degraded_still_answers_200(HealthStatus status, HttpStatusCode code)
    {
        await using var service = await Service.StartAsync(builder =>
            builder.Services.AddHealthChecks().AddCheck("store", () => new HealthCheckResult(status, "as it is"))
        );
        using var response = await service.Outside.GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.Equal(code, response.StatusCode);

        using var report = JsonDocument.Parse(
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
        Assert.Equal(status.ToString(), report.RootElement.GetProperty("status").GetString());
        Assert.Equal(
            "as it is",
            report.RootElement.GetProperty("checks").GetProperty("store").GetProperty("description").GetString()
        );
    }

    [Fact]
    public async Task Alive_asks_only_whether_the_process_answers()
    {
        await using var service = await Service.StartAsync(builder =>
            builder.Services.AddHealthChecks().AddCheck("store", () => HealthCheckResult.Unhealthy())
        );
        using var response = await service.Outside.GetAsync("/alive", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task An_exceptions_text_stays_inside()
    {
        await using var service = await Service.StartAsync(builder =>
            builder
                .Services.AddHealthChecks()
                .AddCheck("store", () => throw new InvalidOperationException("password=hunter2"))
        );
        using var response = await service.Outside.GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.DoesNotContain(
            "hunter2",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
    }
}
