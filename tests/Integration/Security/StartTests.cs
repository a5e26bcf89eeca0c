using System.Net;
using Harness;

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
    [InlineData("HeartbeatSeconds must be less than SseOptions.DeadSeconds", "AspireSse__Streaming__DeadSeconds", "15")]
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

    [Theory]
    [InlineData("MaxEventBytes", "StreamApi", "Events__MaxEventBytes", "5")]
    [InlineData("HeartbeatSeconds must be less than", "StreamApi", "AspireSse__Streaming__HeartbeatSeconds", "900")]
    [InlineData("ReadPercent", "StreamApi", "Limits__ReadPercent", "0")]
    [InlineData("AspireSse:Pools:Tasks is '0'", "StreamApi", "AspireSse__Pools__Tasks", "0")]
    [InlineData("AspireSse:Pools:Nope is no option", "StreamApi", "AspireSse__Pools__Nope", "4")]
    [InlineData("Security:Proxies: 'abc' is neither", "StreamApi", "Security__Proxies__0", "abc")]
    [InlineData("AspireSse:Relay:Nope is no option", "Broadcaster", "AspireSse__Relay__Nope", "4")]
    [InlineData("StreamApi:PublicUrl", "WebFrontend", "StreamApi__PublicUrl", "abc")]
    [InlineData("Invalid url: 'abc'", "WebFrontend", "ASPNETCORE_URLS", "abc")]
    public async Task A_mistaken_setting_ends_the_program_with_a_sentence_that_names_it(
        string message,
        string program,
        string setting,
        string value
    )
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__eventstore"] = "Host=127.0.0.1;Port=1",
            ["ConnectionStrings__redis"] = "127.0.0.1:1",
            ["StreamApi__PublicUrl"] = "http://127.0.0.1:1",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            [setting] = value,
        };

        var ended = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            ServiceProcess.RunToEndAsync(program, [], settings, TestContext.Current.CancellationToken)
        );
        Assert.StartsWith($"{program} ended with 1:", ended.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled exception", ended.Message, StringComparison.Ordinal);
        Assert.Contains(message, ended.Message, StringComparison.Ordinal);
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
