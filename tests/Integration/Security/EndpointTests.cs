using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;

namespace Integration.Security;

/// <summary>Every endpoint of the OpenAPI document, future ones included, requires a credential or is listed
/// here.</summary>
public sealed class EndpointTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    /// <summary>Endpoints for every authenticated user: they reveal no topic.</summary>
    private static readonly string[] OfNoTopic =
    [
        "",
        "/v1/models",
        "/v1/models/{id}",
        "/v1/replicas",
        "/v1/replicas/stats",
    ];

    /// <summary>Endpoints that must read the body before they can refuse.</summary>
    private static readonly string[] ByTheirBody = ["/v1/stream-tickets", "/v1/events", "/v1/events/stream"];

    [Fact]
    public async Task Every_endpoint_requires_a_credential_and_endpoints_with_topics_a_claim()
    {
        var document = await SecureSystem.JsonAsync(
            shared.World.A,
            HttpMethod.Get,
            "/openapi/v1.json",
            key: SecureSystem.OperatorKey
        );
        var nobody = Tokens.Of("nobody");
        var asked = 0;
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        foreach (var operation in path.Value.EnumerateObject())
        {
            var (method, address) = (
                new HttpMethod(operation.Name.ToUpperInvariant()),
                string.Join('/', path.Name.Split('/').Select(s => s.StartsWith('{') ? Guid.Empty.ToString() : s))
            );
            Assert.Equal(
                (path.Name, HttpStatusCode.Unauthorized),
                (path.Name, await SecureSystem.StatusAsync(shared.World.A, method, address))
            );
            var status = await SecureSystem.StatusAsync(shared.World.A, method, address, nobody);
            if (OfNoTopic.Contains(path.Name.TrimEnd('/')))
                continue;
            if (ByTheirBody.Contains(path.Name) && operation.Name == "post")
                Assert.Contains(
                    status,
                    (HttpStatusCode[])[HttpStatusCode.UnsupportedMediaType, HttpStatusCode.Forbidden]
                );
            // Without readable topics a listing is empty, not forbidden.
            else if (path.Name == "/v1/topics")
                Assert.Equal(HttpStatusCode.OK, status);
            else
                Assert.Equal(
                    (operation.Name + " " + path.Name, HttpStatusCode.Forbidden),
                    (operation.Name + " " + path.Name, status)
                );
            asked++;
        }
        Assert.True(asked > 40, $"{asked} operations");
    }

    [Fact]
    public async Task A_guessed_id_does_not_open_the_run_of_another_user()
    {
        string[] publish = ["agents.*"];

        await using var mine = await SecureSystem.OpenAsync(
            shared.World.A,
            "/stream?prompt=tell%20me%20of%20cats",
            Tokens.Of("ann", publish: publish)
        );

        await mine.WaitAsync(r => r.LastId is not null);
        var id = mine.Frames.First(f => f.Id is not null).Id!;

        await using var again = await SecureSystem.OpenAsync(
            shared.World.B,
            "/stream?prompt=x",
            Tokens.Of("ann", publish: publish),
            id
        );

        await again.WaitAsync(r => r.Frames.Any(f => f.Event == "end"));
        Assert.Equal(
            HttpStatusCode.NoContent,
            await SecureSystem.StatusAsync(
                shared.World.B,
                HttpMethod.Get,
                "/stream?prompt=x",
                Tokens.Of("eve", publish: publish),
                lastId: id
            )
        );
        Assert.Equal(
            HttpStatusCode.NoContent,
            await SecureSystem.StatusAsync(
                shared.World.B,
                HttpMethod.Get,
                "/stream?prompt=x",
                key: SecureSystem.NamesakeKey,
                lastId: id
            )
        );
        Assert.Equal(
            HttpStatusCode.OK,
            await SecureSystem.StatusAsync(
                shared.World.B,
                HttpMethod.Get,
                "/stream?prompt=x",
                Tokens.Of("boss", publish: publish, subscribe: ["agents.>"]),
                lastId: id
            )
        );
    }

    [Fact]
    public async Task A_generation_may_be_read_by_its_user_and_with_a_grant_of_its_topic()
    {
        var ann = Tokens.Of("ann", publish: ["generations.*"]);
        var id = (
            await SecureSystem.JsonAsync(
                shared.World.A,
                HttpMethod.Post,
                "/v1/generations",
                ann,
                new { model = "demo", messages = new[] { new { role = "user", content = "Tell me of cats." } } }
            )
        ).GetProperty("id");
        foreach (var path in (string[])[$"/v1/generations/{id}", $"/v1/generations/{id}/stream"])
        foreach (
            var (name, token, expected) in new[]
            {
                ("ann", ann, HttpStatusCode.OK),
                ("eve", Tokens.Of("eve", publish: ["generations.*"]), HttpStatusCode.Forbidden),
                ("boss", Tokens.Of("boss", subscribe: ["generations.>"]), HttpStatusCode.OK),
            }
        )
            Assert.Equal(
                (path, name, expected),
                (path, name, await SecureSystem.StatusAsync(shared.World.B, HttpMethod.Get, path, token))
            );
        // The answer to a DELETE has the text too.
        foreach (
            var (token, expected) in new[]
            {
                (Tokens.Of("eve", publish: ["generations.*"]), HttpStatusCode.Forbidden),
                (ann, HttpStatusCode.OK),
            }
        )
            Assert.Equal(
                expected,
                await SecureSystem.StatusAsync(shared.World.B, HttpMethod.Delete, $"/v1/generations/{id}", token)
            );
        // A ticket is valid only for its topics, whoever has it.
        var ticket = (
            await SecureSystem.JsonAsync(
                shared.World.A,
                HttpMethod.Post,
                "/v1/stream-tickets",
                Tokens.Of("ann", subscribe: ["orders.>"]),
                new { topics = (string[])["orders.a"] }
            )
        ).GetProperty("ticket");
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await SecureSystem.StatusAsync(
                shared.World.B,
                HttpMethod.Get,
                $"/v1/generations/{id}/stream?ticket={Uri.EscapeDataString(ticket.GetString()!)}"
            )
        );
    }

    [Fact]
    public async Task An_idempotency_key_is_its_users_own()
    {
        var key = $"key-{Guid.NewGuid():N}";
        var bodies = new List<string>();
        foreach (var user in (string[])["ann", "eve", "ann"])
        {
            using var body = JsonContent.Create(
                new { model = "demo", messages = new[] { new { role = "user", content = "Tell me of cats." } } }
            );
            // A header of the body is sent like the others.
            body.Headers.TryAddWithoutValidation("Idempotency-Key", key);
            using var response = await SecureSystem.SendAsync(
                shared.World.A,
                HttpMethod.Post,
                "/v1/generations",
                Tokens.Of(user, publish: ["generations.*"]),
                body
            );
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
            bodies.Add(await response.Content.ReadAsStringAsync());
        }

        Assert.Equal(bodies[0], bodies[2]);
        Assert.NotEqual(bodies[0], bodies[1]);
    }

    [Fact]
    public async Task A_session_may_be_used_by_its_user_and_with_a_grant_of_its_topic()
    {
        string[] publish = ["sessions.*"];
        var ann = Tokens.Of("ann", publish: publish);
        var id = (await SecureSystem.JsonAsync(shared.World.A, HttpMethod.Post, "/session", ann, new { }))
            .GetProperty("session_id")
            .GetString();

        foreach (
            var (name, token, expected) in new[]
            {
                ("ann", ann, HttpStatusCode.OK),
                ("eve", Tokens.Of("eve", publish: publish), HttpStatusCode.Forbidden),
                ("boss", Tokens.Of("boss", subscribe: publish, publish: publish), HttpStatusCode.OK),
            }
        )
        foreach (
            var (method, path, body) in new (HttpMethod, string, object?)[]
            {
                (HttpMethod.Post, $"/message/{id}", new { content = "Tell me of cats." }),
                (HttpMethod.Get, $"/session/{id}", null),
                (HttpMethod.Get, $"/stream/{id}", null),
            }
        )
            Assert.Equal(
                (path, name, expected),
                (path, name, await SecureSystem.StatusAsync(shared.World.B, method, path, token, body))
            );
    }

    [Fact]
    public async Task The_agents_tools_read_no_more_than_their_caller_may()
    {
        var order = (
            await SecureSystem.JsonAsync(
                shared.World.A,
                HttpMethod.Post,
                "/v1/orders",
                body: new { petId = "019b4132" },
                key: SecureSystem.OperatorKey
            )
        ).GetProperty("id");
        var question = $"What is the status of order {order}?";
        foreach (
            var (name, subscribe, expected) in new[]
            {
                ("boss", (string[])["petstore.>"], "look_up_order"),
                ("eve", [], null),
            }
        )
        {
            var token = Tokens.Of(name, subscribe, publish: ["agents.*", "sessions.*"]);
            await using var answer = await SecureSystem.OpenAsync(
                shared.World.A,
                "/stream?prompt=" + Uri.EscapeDataString(question),
                token
            );
            await answer.WaitAsync(r => r.Frames.Any(f => f.Event == "end"));
            Assert.Equal(expected, Tool(answer));

            // Another replica may answer a message: the right is the sender's.
            var session = (await SecureSystem.JsonAsync(shared.World.A, HttpMethod.Post, "/session", token, new { }))
                .GetProperty("session_id")
                .GetString();
            await SecureSystem.JsonAsync(
                shared.World.A,
                HttpMethod.Post,
                $"/message/{session}",
                token,
                new { content = question }
            );
            await using var turn = await SecureSystem.OpenAsync(shared.World.B, $"/stream/{session}?named=true", token);
            await turn.WaitAsync(r => r.Frames.Any(f => f.Data?.Contains("message_end") == true));
            Assert.Equal(expected, Tool(turn));
        }

        static string? Tool(SseReader reader) =>
            reader
                .Events.Select(e => JsonDocument.Parse(e.Data!).RootElement)
                .FirstOrDefault(e => e.TryGetProperty("type", out var type) && type.GetString() == "tool_use")
                is { ValueKind: JsonValueKind.Object } call
                ? call.GetProperty("tool").GetString()
                : null;
    }

    [Theory]
    [InlineData("ann", true)]
    [InlineData("eve", false)]
    public async Task Orders_and_recommendations_are_for_the_caller_itself(string userId, bool isAllowed)
    {
        var ann = Tokens.Of("ann", publish: ["recommendations.*", "petstore.orders.*.status"]);

        Assert.Equal(
            isAllowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(
                shared.World.A,
                HttpMethod.Get,
                $"/v1/pets/recommendations/stream?userId={userId}",
                ann
            )
        );
        Assert.Equal(
            isAllowed ? HttpStatusCode.Created : HttpStatusCode.Forbidden,
            await SecureSystem.StatusAsync(
                shared.World.A,
                HttpMethod.Post,
                "/v1/orders",
                ann,
                new { petId = "019b4132", userId }
            )
        );
        Assert.Equal(
            HttpStatusCode.OK,
            await SecureSystem.StatusAsync(
                shared.World.A,
                HttpMethod.Get,
                $"/v1/pets/recommendations/stream?userId={userId}",
                key: SecureSystem.OperatorKey
            )
        );
    }

    [Fact]
    public async Task A_page_of_another_origin_gets_no_permission_and_a_refusal_no_name_of_the_server()
    {
        using var http = new HttpClient();
        using var preflight = new HttpRequestMessage(HttpMethod.Options, new Uri(shared.World.A, "/v1/events/stream"));
        preflight.Headers.Add("Origin", "https://evil.example");
        preflight.Headers.Add("Access-Control-Request-Method", "GET");
        using var response = await http.SendAsync(preflight);
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
        using var refused = await SecureSystem.SendAsync(shared.World.A, HttpMethod.Get, "/v1/events");
        Assert.Equal("nosniff", Assert.Single(refused.Headers.GetValues("X-Content-Type-Options")));
        Assert.False(refused.Headers.Contains("Server"));
    }
}
