using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Security;

/// <summary>The address of a client whose request comes through a proxy.</summary>
public sealed class ForwardedAddressTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    [Theory]
    [InlineData("127.0.0.1", "192.0.2.7")]
    [InlineData("192.0.2.0/24", "127.0.0.1")] // this machine is not that proxy
    public async Task The_forwarded_address_counts_only_behind_a_configured_proxy(string proxy, string client)
    {
        await using var replica = await StartBehindAsync(proxy);
        var topic = $"orders.{Guid.NewGuid():N}";
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };

        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            Tokens.Of("ann", subscribe: ["orders.>"])
        );
        http.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.7");

        await using (
            var reader = await SseReader.OpenAsync(replica.Url, $"/v1/events/stream?topic={topic}", client: http)
        )
        {
            await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));
            var rows = await replica.Url.JsonAsync($"GET /v1/connections?filter={topic}", SecureSystem.OperatorKey);

            var row = Assert.Single(rows.GetProperty("connections").EnumerateArray());
            Assert.Equal(client, row.Text("client")!.Split(':')[0]);
        }

        await shared.World.System.StopAsync(replica);
    }

    [Theory]
    [InlineData("127.0.0.1", "/live/sse")]
    [InlineData("192.0.2.0/24", "")] // this machine is not that proxy
    public async Task A_configured_proxy_s_prefix_is_in_the_addresses_of_the_gateway(string proxy, string prefix)
    {
        await using var replica = await StartBehindAsync(proxy);
        using var http = new HttpClient { BaseAddress = replica.Url };
        using var begin = new HttpRequestMessage(HttpMethod.Post, "/v1/generations");
        begin.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Of("ann", publish: [">"]));
        begin.Headers.Add("X-Forwarded-For", "192.0.2.7");
        begin.Headers.Add("X-Forwarded-Prefix", "/live/sse");
        begin.Content = JsonContent.Create(new { messages = new[] { new { role = "user", content = "Hello" } } });

        using var begun = await http.SendAsync(begin);
        var generation = await begun.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(HttpStatusCode.Created, begun.StatusCode);
        foreach (var address in (string[])[$"{begun.Headers.Location}", generation.Text("stream")!])
            Assert.StartsWith($"{prefix}/v1/generations/", address, StringComparison.Ordinal);

        await shared.World.System.StopAsync(replica);
    }

    private Task<RunningService> StartBehindAsync(string proxy) =>
        shared.World.System.StartReplicaAsync(new() { ["Security__Proxies__0"] = proxy });
}
