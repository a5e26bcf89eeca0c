using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Rules for reading and publishing topics; their refusals are rows of <see cref="RefusalTests"/>.</summary>
public sealed class AccessTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private Uri A => shared.World.A;

    [Theory]
    [InlineData("/alive")]
    [InlineData("/health")]
    public Task Health_requires_no_credential(string path) => A.ExpectAsync(200, $"GET {path}");

    [Fact]
    public async Task A_token_opens_the_topics_of_its_claims()
    {
        var topic = $"orders.{Guid.NewGuid():N}";
        var token = Tokens.Of("ann", subscribe: ["orders.>"]);
        await using var reader = await SecureSystem.OpenAsync(A, $"/v1/events/stream?topic={topic}.*", token);

        await SecureSystem.PublishAsync(A, new EventBody(topic + ".a", "n", 1));
        await reader.WaitForEventsAsync(1);

        var rows = await A.ExpectAsync(200, "GET /v1/connections", SecureSystem.OperatorKey);
        Assert.Contains("\"user\":\"ann\"", rows, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_without_a_topic_gets_every_topic_that_it_may_read()
    {
        var (mine, other) = ($"mine.{Guid.NewGuid():N}", $"other.{Guid.NewGuid():N}");
        var token = Tokens.Of("bob", subscribe: [mine + ".>"]);
        await using var reader = await SecureSystem.OpenAsync(A, "/v1/events/stream", token);

        await SecureSystem.PublishAsync(A, new EventBody(other + ".a", "n", 1), new EventBody(mine + ".a", "n", 2));
        await reader.WaitForEventsAsync(1);
        Assert.Equal(["2"], reader.Events.Select(e => e.Data));

        var history = await A.JsonAsync("GET /v1/events", token);
        Assert.Equal([mine + ".a"], TopicsOf(history.GetProperty("events")));
        var topics = await A.JsonAsync("GET /v1/topics?limit=1", token);

        Assert.Equal([mine + ".a"], TopicsOf(topics.GetProperty("topics")));
        Assert.Equal(JsonValueKind.Null, topics.GetProperty("next").ValueKind);

        static IEnumerable<string?> TopicsOf(JsonElement rows) =>
            rows.EnumerateArray().Select(e => e.GetProperty("topic").GetString());
    }

    [Fact]
    public async Task A_smaller_grant_does_not_replay_topics_that_it_lost()
    {
        var (open, closed) = ($"open.{Guid.NewGuid():N}", $"closed.{Guid.NewGuid():N}");
        var before = await SecureSystem.OpenAsync(A, "/v1/events/stream", Tokens.Of("cid", subscribe: [open, closed]));
        await SecureSystem.PublishAsync(A, new EventBody(open, "n", 1));
        await before.WaitForEventsAsync(1);

        var last = before.LastId;
        await before.DisposeAsync();
        await SecureSystem.PublishAsync(A, new EventBody(closed, "n", 2), new EventBody(open, "n", 3));

        var shrunk = Tokens.Of("cid", subscribe: [open]);
        await using var after = await SecureSystem.OpenAsync(shared.World.B, "/v1/events/stream", shrunk, last);
        await after.WaitForEventsAsync(1);
        Assert.Equal(["3"], after.Events.Select(e => e.Data));
        await A.ExpectAsync(403, $"GET /v1/events/stream?topic={closed}", shrunk, lastId: last);
        await A.ExpectAsync(403, $"GET /v1/events?topic={closed}&after={last}", shrunk);
    }

    [Fact]
    public async Task A_publisher_of_lines_learns_which_one_it_may_not_publish()
    {
        var refused = await A.ExpectAsync(
            403,
            "POST /v1/events",
            Tokens.Of("pub", publish: ["orders.>"]),
            SecureRequests.Lines(new EventBody("orders.1", "n", 1), new EventBody("bills.1", "n", 2))
        );
        Assert.Equal(2, JsonDocument.Parse(refused).RootElement.GetProperty("line").GetInt32());
    }
}
