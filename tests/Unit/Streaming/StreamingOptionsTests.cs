using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StreamApi;

namespace Unit.Streaming;

public sealed class StreamingOptionsTests
{
    /// <summary>Further readers would wait for a connection, and fail when that takes too long.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(64)]
    public async Task Each_reader_of_replays_has_a_connection(int connections) =>
        Assert.Equal(
            connections,
            (await OfStreamApiAsync($"--AspireSse:EventStore:ReplayConnections={connections}")).ReplayReaders
        );

    [Fact]
    public async Task StreamApi_takes_connections_over_unless_it_is_told_not_to()
    {
        Assert.True((await OfStreamApiAsync()).TakeOverConnections);
        Assert.False((await OfStreamApiAsync("--AspireSse:Streaming:TakeOverConnections=false")).TakeOverConnections);
    }

    /// <summary>They would divide by zero, or refuse every request, only when the first one comes.</summary>
    [Theory]
    [InlineData("ReadPercent", "0")]
    [InlineData("ReadPercent", "-1")]
    [InlineData("SparePercent", "-1")]
    [InlineData("SparePercent", "101")]
    [InlineData("KilobytesPerSecond", "0")]
    [InlineData("HeldBytes", "-1")]
    [InlineData("HeldBytes", "65535")]
    public async Task Bounds_of_requests_that_nobody_could_keep_end_the_start(string bound, string value)
    {
        await using var app = Build(
            [$"--Bounds:{bound}={value}"],
            services => services.AddOptions<AdmissionOptions>().BindConfiguration("Bounds")
        );
        var start = app.Services.GetRequiredService<IStartupValidator>();
        Assert.Contains($"'{bound}'", Assert.Throws<OptionsValidationException>(start.Validate).Message);
    }

    private static async Task<SseOptions> OfStreamApiAsync(params string[] settings)
    {
        await using var app = Build(settings);
        return app.Services.GetRequiredService<IOptions<SseOptions>>().Value;
    }

    private static WebApplication Build(string[] settings, Action<IServiceCollection>? replace = null) =>
        StreamApiApplication.Build(
            [
                "--environment=Development",
                "--ConnectionStrings:eventstore=Host=127.0.0.1",
                "--ConnectionStrings:redis=127.0.0.1:1",
                .. settings,
            ],
            replace
        );
}
