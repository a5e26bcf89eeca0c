using Adopter.Showing;

namespace Adopter.Footprint;

/// <summary>Settings that the libraries do not read, though they look as if they did.</summary>
public sealed class SettingNameTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("AspireSse:EventStore:MaxAgee", "MaxAge")]
    [InlineData("AspireSse:EventStor:MaxAge", "EventStore")]
    [InlineData("AspireSse:Llm:GenerationPerMinute", "DefaultProvider")]
    [InlineData("AspireSse:Streaming:MaxConnections", "EventStore")] // SseOptions has it
    public async Task One_that_is_not_read_is_named_at_the_start(string name, string hint)
    {
        var lines = await LinesAsync($"--{name}", "1000");
        var line = Assert.Single(lines, line => line.Contains(" is not read ", StringComparison.Ordinal));
        Assert.StartsWith(line[..line.IndexOf(' ', StringComparison.Ordinal)], name, StringComparison.Ordinal);
        Assert.Contains(hint, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Those_that_are_read_and_those_of_other_services_are_not() =>
        Assert.DoesNotContain(
            await LinesAsync(
                "--AspireSse:EventStore:MaxAge",
                "01:00:00",
                "--AspireSse:Runs:DrainSeconds",
                "5",
                "--AspireSse:Llm:Providers:Demo:TokensPerSecond",
                "9",
                "--AspireSse:Pools:Sse",
                "9",
                "--AspireSse:Pools:Weather", // by WithStreamPool
                "9",
                "--AspireSse:Relay:LeaseMilliseconds",
                "3000"
            ),
            line => line.Contains("is not read", StringComparison.Ordinal)
        );

    private static async Task<string[]> LinesAsync(params string[] settings)
    {
        await using var app = await SmallApp.StartAsync(
            app => app.MapLlmGateway().AllowAnonymous(),
            builder => builder.AddLlmGateway(),
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            settings
        );
        return [.. app.Lines.Select(line => line.Text)];
    }
}
