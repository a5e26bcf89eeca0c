using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using AspireSse.Testing;

/// <summary>The whole application, on real Postgres and Redis of its own that start empty.</summary>
public sealed class RoomTests : IAsyncLifetime
{
    private DistributedApplication _app = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.ResourceClass_AppHost>([
            "--LocalServices:Ephemeral=true",
            "--LocalServices:PostgresPort=0", // any free port, because the application may be running
            "--LocalServices:RedisPort=0",
        ]);
        _app = await builder.BuildAsync();
        await _app.StartAsync();
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("api");
        _client = _app.CreateHttpClient("api", "http");
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task A_reader_that_was_away_gets_what_it_missed_in_order_and_once()
    {
        string? last;
        await using (var stream = await _client.OpenEventStreamAsync("/rooms/lobby/events"))
        {
            await SayAsync("one");
            var first = await stream.NextAsync("message");
            Assert.Equal("""{"text":"one"}""", first.Data);
            last = first.EventId;
        }

        await SayAsync("two");
        await SayAsync("three");

        await using var resumed = await _client.OpenEventStreamAsync("/rooms/lobby/events", last);
        Assert.Equal("""{"text":"two"}""", (await resumed.NextAsync("message")).Data);
        Assert.Equal("""{"text":"three"}""", (await resumed.NextAsync("message")).Data);
    }

    private async Task SayAsync(string text)
    {
        using var answer = await _client.PostAsJsonAsync("/rooms/lobby/messages", new { text });
        answer.EnsureSuccessStatusCode();
    }
}
