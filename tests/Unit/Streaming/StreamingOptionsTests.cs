using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StreamApi;
using Streaming;

namespace Unit.Streaming;

public sealed class StreamingOptionsTests
{
    /// <summary>Further readers would wait for a connection, and fail when that takes too long.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(64)]
    public async Task Each_reader_of_replays_has_a_connection(int connections)
    {
        await using var app = StreamApiApplication.Build([
            "--environment=Development",
            "--ConnectionStrings:eventstore=Host=127.0.0.1",
            "--ConnectionStrings:redis=127.0.0.1:1",
            $"--EventStore:ReplayConnections={connections}",
        ]);
        Assert.Equal(connections, app.Services.GetRequiredService<IOptions<StreamingOptions>>().Value.ReplayReaders);
    }
}
