using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using StreamApi;

namespace Unit.Deploy;

public sealed class ShutdownTests
{
    [Theory]
    [InlineData("AspireSse:Runs", 0, 10)] // the services' own
    [InlineData("AspireSse:Runs", 8, 10)]
    [InlineData("AspireSse:Runs", 60, 62)]
    [InlineData("Llm", 60, 62)] // the contract's name
    public async Task The_host_waits_for_runs_as_long_as_they_may_continue(
        string section,
        int drainSeconds,
        int timeout
    )
    {
        await using var app = StreamApiApplication.Build([
            "--environment=Development",
            "--ConnectionStrings:eventstore=Host=127.0.0.1",
            "--ConnectionStrings:redis=127.0.0.1:1",
            $"--{section}:DrainSeconds={drainSeconds}",
        ]);
        Assert.Equal(
            TimeSpan.FromSeconds(timeout),
            app.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout
        );
    }
}
