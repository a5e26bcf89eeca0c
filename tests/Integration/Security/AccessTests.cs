using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Rules for reading and publishing topics.</summary>
public sealed class AccessTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private static readonly HttpMethod Get = HttpMethod.Get,
        Post = HttpMethod.Post,
        Delete = HttpMethod.Delete;
    private Uri A => shared.World.A;

    [Theory]
    [InlineData("GET", "/v1/events/stream?topic=a")]
    [InlineData("GET", "/v1/events")]
    [InlineData("POST", "/v1/events")]
    [InlineData("GET", "/v1/topics")]
    [InlineData("GET", "/v1/connections")]
    [InlineData("GET", "/v1/connections/stream")]
    [InlineData("GET", "/v1/replicas")]
    [InlineData("POST", "/v1/stream-tickets")]
    [InlineData("GET", "/events/stream")]
    [InlineData("GET", "/sse/events")]
    [InlineData("GET", "/stream?prompt=hello")]
    [InlineData("POST", "/v1/chat/completions")]
    [InlineData("POST", "/v1/messages")]
    [InlineData("POST", "/v1/generations")]
    [InlineData("POST", "/tasks")]
    [InlineData("GET", "/openapi/v1.json")]
    [InlineData("GET", "/no/such/thing")]
    public async Task Without_credentials_everything_is_401_and_says_how(string method, string path)
    {
        using var response = await SecureSystem.SendAsync(A, new HttpMethod(method), path);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.ToString());
        var body = await response.Content.ReadAsStringAsync();
        Assert.Contains("Authorization: Bearer", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_requires_no_credential()
    {
        foreach (var path in (string[])["/alive", "/health"])
            Assert.Equal((path, HttpStatusCode.OK), (path, await SecureSystem.StatusAsync(A, Get, path)));
    }

    [Fact]
    public async Task A_token_opens_the_topics_of_its_claims_and_nothing_else()
    {
        var topic = $"orders.{Guid.NewGuid():N}";
        var token = Tokens.Of("ann", subscribe: ["orders.>"]);
        await using var reader = await SecureSystem.OpenAsync(A, $"/v1/events/stream?topic={topic}.*", token);
        await SecureSystem.PublishAsync(A, new EventBody(topic + ".a", "n", 1));
        await reader.WaitForEventsAsync(1);

        foreach (
            var path in (string[])
                [
                    "/v1/events/stream?topic=secret.a",
                    "/v1/events/stream?topic=%3E",
                    "/v1/events/stream?topic=*.a",
                    "/v1/events/stream?topic=orders.a&topic=secret.a",
                    "/v1/events?topic=secret.a",
                    "/events/stream",
                    "/sse/events",
                ]
        )
            Assert.Equal((path, HttpStatusCode.Forbidden), (path, await SecureSystem.StatusAsync(A, Get, path, token)));
        using var rows = await SecureSystem.SendAsync(A, Get, "/v1/connections", key: SecureSystem.OperatorKey);
        Assert.Contains("\"user\":\"ann\"", await rows.Content.ReadAsStringAsync(), StringComparison.Ordinal);
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

        var history = await SecureSystem.JsonAsync(A, Get, "/v1/events", token);
        Assert.Equal(
            [mine + ".a"],
            history.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("topic").GetString())
        );
        var topics = await SecureSystem.JsonAsync(A, Get, "/v1/topics?limit=1", token);
        Assert.Equal(
            [mine + ".a"],
            topics.GetProperty("topics").EnumerateArray().Select(e => e.GetProperty("topic").GetString())
        );
        Assert.Equal(JsonValueKind.Null, topics.GetProperty("next").ValueKind);
    }

    [Fact]
    public async Task A_smaller_grant_does_not_replay_topics_that_it_lost()
    {
        var topic = Guid.NewGuid().ToString("N");
        var before = await SecureSystem.OpenAsync(
            A,
            "/v1/events/stream",
            Tokens.Of("cid", subscribe: [$"open.{topic}", $"closed.{topic}"])
        );
        await SecureSystem.PublishAsync(A, new EventBody($"open.{topic}", "n", 1));
        await before.WaitForEventsAsync(1);
        var last = before.LastId;
        await before.DisposeAsync();
        await SecureSystem.PublishAsync(
            A,
            new EventBody($"closed.{topic}", "n", 2),
            new EventBody($"open.{topic}", "n", 3)
        );

        var shrunk = Tokens.Of("cid", subscribe: [$"open.{topic}"]);
        await using var after = await SecureSystem.OpenAsync(shared.World.B, "/v1/events/stream", shrunk, last);
        await after.WaitForEventsAsync(1);
        Assert.Equal(["3"], after.Events.Select(e => e.Data));
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(A, Get, $"/v1/events/stream?topic=closed.{topic}", shrunk, lastId: last)
        );
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(A, Get, $"/v1/events?topic=closed.{topic}&after={last}", shrunk)
        );
    }

    [Fact]
    public async Task A_publisher_may_publish_the_topics_of_its_claim_singly_and_in_bulk()
    {
        var token = Tokens.Of("pub", publish: ["orders.>"]);
        Assert.Equal(
            HttpStatusCode.Accepted,
            await SecureSystem.StatusAsync(A, Post, "/v1/events", token, new EventBody("orders.1", "n", 1))
        );
        Assert.Equal(
            HttpStatusCode.Accepted,
            await SecureSystem.StatusAsync(
                A,
                Post,
                "/v1/events",
                body: new EventBody("orders.1", "n", 1),
                key: SecureSystem.WriterKey
            )
        );
        Assert.Equal(
            HttpStatusCode.Accepted,
            await SecureSystem.StatusAsync(
                A,
                Post,
                "/v1/events",
                SecureSystem.WriterKey,
                new EventBody("orders.1", "n", 1)
            )
        );
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(A, Post, "/v1/events", token, new EventBody("bills.1", "n", 1))
        );
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(
                A,
                Post,
                "/v1/events",
                token,
                new object[] { new EventBody("orders.1", "n", 1), new EventBody("bills.1", "n", 1) }
            )
        );

        using var lines = new StringContent(
            """
            {"topic":"orders.1","type":"n","data":1}
            {"topic":"bills.1","type":"n","data":2}
            """,
            Encoding.UTF8,
            new MediaTypeHeaderValue("application/x-ndjson")
        );
        using var bulk = await SecureSystem.SendAsync(A, Post, "/v1/events", token, lines);
        Assert.Equal(HttpStatusCode.Forbidden, bulk.StatusCode);
        Assert.Equal(
            2,
            JsonDocument.Parse(await bulk.Content.ReadAsStringAsync()).RootElement.GetProperty("line").GetInt32()
        );
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(A, Get, "/v1/events/stream?topic=orders.1", token)
        );
    }

    [Theory]
    [InlineData("POST", "/tasks", "tasks.>", """{"title":"feed the cat"}""", 201)]
    [InlineData("POST", "/v1/orders", "petstore.>", """{"petId":"nobody"}""", 404)]
    [InlineData("PATCH", "/v1/pets/nobody", "petstore.inventory", """{"price":5}""", 404)]
    [InlineData("POST", "/session", "sessions.>", "{}", 200)]
    [InlineData("POST", "/chat/stream", "chat", """{"text":"hi"}""", 200)]
    [InlineData("POST", "/sse/chat", "chat", "{}", 400)]
    [InlineData("POST", "/v1/chat/completions", "chat", "{}", 400)]
    [InlineData("POST", "/v1/messages", "chat", "{}", 400)]
    [InlineData("POST", "/v1/messages/count_tokens", "chat", "{}", 400)]
    [InlineData("POST", "/v1/embeddings", "chat", "{}", 404)]
    [InlineData("POST", "/v1/generations", "generations.>", "{}", 400)]
    public async Task A_changing_request_needs_the_claim_to_publish_its_topic(
        string method,
        string path,
        string topic,
        string body,
        int status
    )
    {
        StringContent Body() => new(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(
                A,
                new HttpMethod(method),
                path,
                Tokens.Of("eve", subscribe: [">"], publish: ["elsewhere.>"]),
                Body()
            )
        );
        Assert.Equal(
            status,
            (int)
                await SecureSystem.StatusAsync(
                    A,
                    new HttpMethod(method),
                    path,
                    Tokens.Of("eve", publish: [topic]),
                    Body()
                )
        );
    }

    [Theory]
    [InlineData("sse.ticks")]
    [InlineData("petstore.inventory")]
    [InlineData("petstore.orders.1.status")]
    [InlineData("tasks.1")]
    [InlineData("sse.resilient.s")]
    [InlineData("sse.resilient.s.control")]
    [InlineData("generations.0123")]
    [InlineData("agents.0123.log")]
    [InlineData("sessions.0123")]
    [InlineData("$sys.connections")]
    public async Task No_client_may_publish_to_the_systems_topics(string topic) =>
        Assert.Equal(
            HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(
                A,
                Post,
                "/v1/events",
                key: SecureSystem.OperatorKey,
                body: new EventBody(topic, "n", 1)
            )
        );

    [Theory]
    [InlineData("connected")]
    [InlineData("resync")]
    [InlineData("skipped")]
    [InlineData("unauthorized")]
    [InlineData("error")]
    public async Task The_types_of_the_servers_own_events_cannot_be_published(string type) =>
        Assert.Equal(
            HttpStatusCode.BadRequest,
            await SecureSystem.StatusAsync(
                A,
                Post,
                "/v1/events",
                key: SecureSystem.OperatorKey,
                body: new EventBody("a.b", type, 1)
            )
        );

    [Fact]
    public async Task A_vendors_client_is_refused_in_its_vendors_words()
    {
        using var openAi = await SecureSystem.SendAsync(A, Post, "/v1/chat/completions", "sk-wrong", new { });
        Assert.Equal(
            "invalid_api_key",
            JsonDocument
                .Parse(await openAi.Content.ReadAsStringAsync())
                .RootElement.GetProperty("error")
                .GetProperty("code")
                .GetString()
        );
        using var anthropic = await SecureSystem.SendAsync(A, Post, "/v1/messages", key: "sk-ant-wrong", body: new { });
        Assert.Equal(
            "authentication_error",
            JsonDocument
                .Parse(await anthropic.Content.ReadAsStringAsync())
                .RootElement.GetProperty("error")
                .GetProperty("type")
                .GetString()
        );
    }
}
