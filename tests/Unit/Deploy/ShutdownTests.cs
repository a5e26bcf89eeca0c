using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Unit.Deploy;

public sealed class ShutdownTests
{
    [Theory]
    [InlineData("Runs", 0, 10)] // the services' own
    [InlineData("Runs", 8, 10)]
    [InlineData("Runs", 60, 62)]
    [InlineData("Llm", 60, 62)] // the contract's name
    public void The_host_waits_for_runs_as_long_as_they_may_continue(string section, int drainSeconds, int timeout)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { [$"{section}:DrainSeconds"] = $"{drainSeconds}" }
        );
        builder.AddServiceDefaults();
        builder.AddEventStore().AddSse().AddLlmGateway();

        using var services = builder.Services.BuildServiceProvider();
        Assert.Equal(
            TimeSpan.FromSeconds(timeout),
            services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout
        );
    }
}
