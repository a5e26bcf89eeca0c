using System.Net;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Topics and streams that are for operators.</summary>
public sealed class OperatorTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post,
        Delete = HttpMethod.Delete;
    private Uri A => shared.World.A;

    [Fact]
    public async Task The_systems_topics_are_for_operators()
    {
        var everything = Tokens.Of("dan", subscribe: [">"]);

        foreach (
            var path in (string[])
                [
                    "/v1/connections",
                    "/v1/connections/stream",
                    "/v1/events/stream?topic=$sys.%3E",
                    "/v1/events/stream?topic=$sys.connections",
                ]
        )
        {
            Assert.Equal(
                (path, HttpStatusCode.Forbidden),
                (path, await SecureSystem.StatusAsync(A, Get, path, everything))
            );
            Assert.Equal(
                (path, HttpStatusCode.OK),
                (path, await SecureSystem.StatusAsync(A, Get, path, key: SecureSystem.OperatorKey))
            );
        }
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(A, Delete, "/v1/connections/x", everything)
        );
        Assert.Equal(
            HttpStatusCode.NotFound,
            await SecureSystem.StatusAsync(A, Delete, "/v1/connections/x", key: SecureSystem.OperatorKey)
        );
    }

    /// <summary>404: a caller that may close streams learns that no stream has this id.</summary>
    [Fact]
    public async Task To_read_the_connections_is_no_right_to_close_one()
    {
        const string Connection = "/v1/connections/x";
        var reader = Tokens.Of("dan", subscribe: [">", "$sys.>"], publish: [">"]);
        using var refused = await SecureSystem.SendAsync(A, Delete, Connection, reader);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains(
            "sse.publish for $sys.connections",
            await refused.Content.ReadAsStringAsync(),
            StringComparison.Ordinal
        );
        foreach (var grant in (string[])["$sys.connections", "$sys.>"])
        {
            var closer = Tokens.Of("dan", publish: [grant]);
            Assert.Equal(HttpStatusCode.NotFound, await SecureSystem.StatusAsync(A, Delete, Connection, closer));
            Assert.Equal(HttpStatusCode.Forbidden, await SecureSystem.StatusAsync(A, Get, "/v1/connections", closer));
        }
    }

    [Theory]
    [InlineData("$sys.connections")]
    [InlineData("$sys.other")]
    public async Task The_right_to_close_streams_is_no_right_to_publish_to_a_topic_of_the_system(string topic)
    {
        var closer = Tokens.Of("dan", subscribe: ["$sys.>"], publish: ["$sys.>", ">"]);
        var body = new
        {
            topic,
            type = "n",
            data = 1,
        };
        Assert.Equal(HttpStatusCode.Forbidden, await SecureSystem.StatusAsync(A, Post, "/v1/events", closer, body));
    }

    [Fact]
    public async Task An_operator_sees_and_closes_the_streams_of_all_replicas()
    {
        await using var reader = await SecureSystem.OpenAsync(
            shared.World.B,
            "/v1/events/stream?topic=orders.z",
            Tokens.Of("far", subscribe: ["orders.>"])
        );

        await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "connected"));
        JsonElement rows = default;

        await Eventually.HoldsAsync(
            async () =>
            {
                rows = await SecureSystem.JsonAsync(
                    A,
                    Get,
                    "/v1/connections?filter=far",
                    key: SecureSystem.OperatorKey
                );
                return rows.GetProperty("connections").GetArrayLength() > 0;
            },
            "the replica knows the other one"
        );

        Assert.False(rows.TryGetProperty("partial", out _));
        var id = Assert.Single(rows.GetProperty("connections").EnumerateArray()).GetProperty("id").GetString();
        Assert.Equal(
            HttpStatusCode.NoContent,
            await SecureSystem.StatusAsync(A, Delete, $"/v1/connections/{id}", key: SecureSystem.OperatorKey)
        );

        await reader.WaitForEndAsync();
    }
}
