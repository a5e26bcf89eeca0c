using System.Net;
using System.Security.Cryptography;
using System.Text;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StreamApi.Connections;
using StreamApi.Replicas;
using StreamApi.Security;
using StreamApi.Security.Limits;
using Streaming;
using Unit.Client;
using Unit.ServiceDefaults;

namespace Unit.Connections;

public sealed class ConnectionsApiTests
{
    private const string Key = "operator-key";

    private readonly ManualTime _time = new();

    [Theory]
    [InlineData("/v1/connections")]
    [InlineData("/v1/connections?scope=replica")]
    public async Task A_page_of_connections_waits_for_its_turn(string path)
    {
        await using var service = await StartAsync();
        service.Outside.DefaultRequestHeaders.Add("X-Api-Key", Key);
        var turns = service.Services.GetRequiredService<PageTurns>();
        using (await turns.EnterAsync("another client", TestContext.Current.CancellationToken))
            _time.Advance(TimeSpan.FromSeconds(1));

        // That turn was longer than the share of pages, so the next one begins after a pause.
        var page = service.Outside.GetAsync(path, TestContext.Current.CancellationToken);
        await Eventually.GetAsync(() => page.IsCompleted || _time.Delays.Count > 0 ? page : null);
        Assert.False(page.IsCompleted);
        await _time.PassDelayAsync();
        Assert.Equal(HttpStatusCode.OK, (await page).StatusCode);
    }

    [Fact]
    public async Task The_rows_of_a_watched_listing_wait_for_their_turn()
    {
        await using var service = await StartAsync();
        service.Outside.DefaultRequestHeaders.Add("X-Api-Key", Key);
        var turns = service.Services.GetRequiredService<PageTurns>();
        using (await turns.EnterAsync("another client", TestContext.Current.CancellationToken))
            _time.Advance(TimeSpan.FromSeconds(1));

        await using var stream = await service.Outside.GetStreamAsync(
            "/v1/connections/stream",
            TestContext.Current.CancellationToken
        );
        using var reader = new StreamReader(stream);
        var snapshot = SnapshotAsync();
        await Eventually.GetAsync(() => snapshot.IsCompleted || _time.Delays.Count > 0 ? snapshot : null);
        Assert.False(snapshot.IsCompleted);
        await _time.PassDelayAsync();
        await snapshot;

        async Task SnapshotAsync()
        {
            while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) != "event: snapshot") { }
        }
    }

    /// <summary>Starts a replica without stores, which lists its own streams.</summary>
    private Task<Service> StartAsync() =>
        Service.StartAsync(
            builder =>
            {
                builder.AddEventStore();
                builder.AddSecurity();
                builder.AddStreaming("streamapi-1");
                builder.AddConnections();
                builder.AddReplicas();
                builder.Services.AddSingleton(new PageTurns(1, _time));
            },
            app =>
            {
                app.UseSecurity();
                app.MapConnections();
            },
            (
                "ConnectionStrings:eventstore",
                $"Host=127.0.0.1;Port={FreePort.Take()};Username=postgres;Database=eventstore"
            ),
            ("ConnectionStrings:redis", $"127.0.0.1:{FreePort.Take()}"),
            ("Security:ApiKeys:0:Name", "operator"),
            ("Security:ApiKeys:0:Sha256", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)))),
            ("Security:ApiKeys:0:Subscribe:0", "$sys.>")
        );
}
