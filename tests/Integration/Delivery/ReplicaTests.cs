using System.Net.Http.Json;
using System.Text.Json;
using Stack;

namespace Integration.Delivery;

/// <summary>How replicas find each other.</summary>
public sealed class ReplicaTests(StackFixture stack)
{
    [Fact]
    public async Task A_replica_that_listens_on_every_address_is_asked_at_the_one_that_leads_to_the_store_and_another_where_it_says()
    {
        var topic = $"t{Guid.NewGuid():N}";
        await using var system = await DeliverySystem.StartAsync(stack, broadcasters: 0);
        var everywhere = await system.StartReplicaAsync(url: "http://+:0");
        var port = FreePort.Take();
        await system.StartReplicaAsync(new() { ["Replicas__Url"] = $"http://localhost:{port}/" }, $"http://127.0.0.1:{port}");
        await using var stream = await SseReader.OpenAtAsync(everywhere.Url, $"/v1/events/stream?topic={topic}");
        using var http = new HttpClient { BaseAddress = system.Replicas[0].Url };
        var known = new HashSet<string> { system.Replicas[0].Url.ToString().TrimEnd('/'), $"http://127.0.0.1:{everywhere.Url.Port}", $"http://localhost:{port}" };
        await DeliverySystem.EventuallyAsync(async () => known.SetEquals((await http.GetFromJsonAsync<JsonElement>("/v1/replicas")).EnumerateArray().Select(r => r.GetProperty("url").GetString()!)), "each is known by its address");
        await DeliverySystem.EventuallyAsync(async () => (await http.GetFromJsonAsync<JsonElement>($"/v1/connections?filter={topic}")) is var page
            && page.GetProperty("connections") is var open && open.GetArrayLength() == 1 && open[0].GetProperty("client").GetString()!.StartsWith("127.0.0.1:", StringComparison.Ordinal) && !page.TryGetProperty("partial", out _), "its stream is listed, from where it came");
    }
}
