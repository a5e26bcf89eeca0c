using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Integration.Seeds;

[Collection("Shop")] // the pets are everybody's
public sealed partial class OrderReadTests(AssemblyWide<SeedSystem> shared) : IClassFixture<AssemblyWide<SeedSystem>>
{
    private static readonly string[] Steps =
    [
        "payment_processing",
        "payment_confirmed",
        "preparing_shipment",
        "shipped",
    ];

    [Fact]
    public async Task A_read_of_an_order_and_its_stream_from_there_miss_no_step()
    {
        var order = await Requests.PostAsync(shared.World.A, "/v1/orders", new { petId = "019b4150" });
        var path = $"/v1/orders/{order.Text("id")}";

        using var response = await Requests.SendAsync(shared.World.A, HttpMethod.Get, path);
        var read = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        var position = Assert.Single(response.Headers.GetValues("X-Sse-Position"));

        // On a busy machine the order may be shipped by now; then the stream may be over, and is empty.
        using var stream = await Requests.SendAsync(
            shared.World.B,
            HttpMethod.Get,
            $"{path}/status/stream",
            lastId: position
        );
        var text = await stream.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.DoesNotContain("event: resync", text, StringComparison.Ordinal);
        var streamed = string.Join(' ', Status().Matches(text).Select(match => match.Groups[1].Value));
        // The step of the read may come again, because its event may be in the log after the change.
        var at = Array.IndexOf(Steps, read.Text("status"));
        Assert.Contains(streamed, (string[])[StepsFrom(at), StepsFrom(at + 1)]);
    }

    private static string StepsFrom(int first) => string.Join(' ', Steps.Skip(first));

    [GeneratedRegex("\"status\":\"(\\w+)\"")]
    private static partial Regex Status();
}
