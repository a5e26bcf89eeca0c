using System.Net;

namespace Integration.Security;

/// <summary>Settings with which a server refuses to start.</summary>
public sealed class StartTests
{
    [Theory]
    [InlineData("Security__ApiKeys__0__Name", null, null)]
    [InlineData("Security:OpenOnLoopback is for Development alone", "Security__OpenOnLoopback", "true")]
    [InlineData("NewStreamsPerMinute", "Limits__NewStreamsPerMinute", "0")]
    [InlineData("AspireSse:Pools:Sse is '0'", "AspireSse__Pools__Sse", "0")]
    [InlineData("RetryMilliseconds", "AspireSse__Streaming__RetryMilliseconds", "-1")]
    [InlineData(
        "HeartbeatSeconds must be less than AspireSse:Streaming:DeadSeconds",
        "AspireSse__Streaming__DeadSeconds",
        "15"
    )]
    [InlineData("Providers.Local.MaxConcurrent", "AspireSse__Llm__Providers__Local__MaxConcurrent", "0")]
    [InlineData("the nearest name is Limits:PublishesPerSecond", "Limits__PublishPerSecond", "5")]
    public async Task Production_refuses_to_start_without_valid_access_settings_and_names_them(
        string message,
        string? setting,
        string? value
    )
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__eventstore"] = Stores.Shared.EventStore,
            ["ConnectionStrings__redis"] = Stores.Shared.Redis,
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
        };

        if (setting is not null)
        {
            foreach (var (name, set) in SecureSystem.Settings)
                settings[name] = set;
            settings[setting] = value!;
        }

        Assert.Contains(message, await ServiceHost.RefusalAsync("StreamApi", settings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Development_is_open_to_its_own_machine_under_its_own_name_alone()
    {
        await using var world = await World.Start(o => o.Broadcasters(0));
        var server = world.Replicas[0].Url;
        await server.ExpectAsync(200, "GET /v1/connections");
        // Official clients always send a key.
        await server.ExpectAsync(200, "GET /v1/models", "sk-none");

        using var http = new HttpClient();
        using var rebound = new HttpRequestMessage(HttpMethod.Get, new Uri(server, "/v1/connections"))
        {
            Headers = { Host = "evil.example" },
        };
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.SendAsync(rebound)).StatusCode);
    }
}
