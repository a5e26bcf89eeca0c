using System.Net.Http.Headers;
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
        await using var replica = await shared.World.System.StartReplicaAsync(
            new() { ["Security__Proxies__0"] = proxy }
        );
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
}
