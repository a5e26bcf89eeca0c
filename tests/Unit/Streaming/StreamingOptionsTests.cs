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

    private static async Task<SseOptions> OfStreamApiAsync(params string[] settings)
    {
        await using var app = StreamApiApplication.Build([
            "--environment=Development",
            "--ConnectionStrings:eventstore=Host=127.0.0.1",
            "--ConnectionStrings:redis=127.0.0.1:1",
            .. settings,
        ]);
        return app.Services.GetRequiredService<IOptions<SseOptions>>().Value;
    }
}
