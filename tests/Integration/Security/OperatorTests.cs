using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>An operator's view of the streams of all replicas.</summary>
public sealed class OperatorTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    [Fact]
    public async Task An_operator_sees_and_closes_the_streams_of_all_replicas()
    {
        var first = shared.World.A;
        var far = Tokens.Of("far", subscribe: ["orders.>"]);
        await using var reader = await SecureSystem.OpenAsync(shared.World.B, "/v1/events/stream?topic=orders.z", far);
        await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));

        JsonElement rows = default;
        await Eventually.HoldsAsync(
            async () =>
            {
                rows = await first.JsonAsync("GET /v1/connections?filter=far", SecureSystem.OperatorKey);
                // Partial while a replica of another test stops.
                return rows.GetProperty("connections").GetArrayLength() > 0 && !rows.TryGetProperty("partial", out _);
            },
            "the replica knows the other one, and every replica has answered"
        );

        var id = Assert.Single(rows.GetProperty("connections").EnumerateArray()).GetProperty("id").GetString();
        await first.ExpectAsync(204, $"DELETE /v1/connections/{id}", SecureSystem.OperatorKey);
        await reader.WaitForEndAsync();
    }
}
