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

    /// <summary>Endpoints that are empty, not forbidden, for a user without readable topics, and their
    /// status.</summary>
    private static readonly Dictionary<string, int> EmptyWithoutTopics = new()
    {
        ["GET /v1/topics"] = 200,
        ["GET /api/chat/{id}/stream"] = 204,
    };

    private Uri A => shared.World.A;
    private Uri B => shared.World.B;

    [Fact]
    public async Task Every_endpoint_requires_a_credential_and_endpoints_with_topics_a_claim()
    {
        var document = await A.JsonAsync("GET /openapi/v1.json", SecureSystem.OperatorKey);
        var nobody = Tokens.Of("nobody");
        var asked = 0;
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        foreach (var operation in path.Value.EnumerateObject())
        {
            var address = string.Join('/', path.Name.Split('/').Select(s => s.StartsWith('{') ? $"{Guid.Empty}" : s));
            var method = operation.Name.ToUpperInvariant();
            var request = $"{method} {address}";
            using (var refused = await A.SendAsync(request))
            {
                Assert.Equal((request, 401), (request, (int)refused.StatusCode));
                Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.ToString());
                Assert.Contains("Authorization: Bearer", await refused.Content.ReadAsStringAsync());
            }

            if (OfNoTopic.Contains(path.Name.TrimEnd('/')))
                continue;

            var status = await A.StatusAsync(request, nobody);

            if (ByTheirBody.Contains(path.Name) && operation.Name == "post")
                Assert.Contains(status, (int[])[415, 403]);
            else
                Assert.True(
                    status == EmptyWithoutTopics.GetValueOrDefault($"{method} {path.Name}", 403),
                    $"{request}: {status} for a user without a grant. Declare its access (.Reads, .Publishes), "
                        + "or list it in EndpointTests"
                );

            asked++;
        }

        Assert.True(asked > 40, $"{asked} operations");
    }

    [Fact]
    public async Task A_guessed_id_does_not_open_the_run_of_another_user()
    {
        string[] publish = ["agents.*"];
        var ann = Tokens.Of("ann", publish: publish);
        await using var mine = await SecureSystem.OpenAsync(A, "/stream?prompt=tell%20me%20of%20cats", ann);

        await mine.WaitAsync(r => r.LastId is not null);
        var id = mine.Frames.First(f => f.Id is not null).Id!;

        const string Again = "/stream?prompt=x";
        await using var again = await SecureSystem.OpenAsync(B, Again, ann, id);
        await again.WaitAsync(r => r.Frames.Any(f => f.Event == "end"));

        var boss = Tokens.Of("boss", publish: publish, subscribe: ["agents.>"]);
        await B.ExpectAsync(204, "GET " + Again, Tokens.Of("eve", publish: publish), lastId: id);
        await B.ExpectAsync(204, "GET " + Again, SecureSystem.NamesakeKey, lastId: id);
        await B.ExpectAsync(200, "GET " + Again, boss, lastId: id);
    }

    [Fact]
    public async Task A_generation_may_be_read_by_its_user_and_with_a_grant_of_its_topic()
    {
        var ann = Tokens.Of("ann", publish: ["generations.*"]);
        var eve = Tokens.Of("eve", publish: ["generations.*"]);

        var id = (await A.JsonAsync("POST /v1/generations", ann, Question)).GetProperty("id").GetString();
        foreach (var path in (string[])[$"/v1/generations/{id}", $"/v1/generations/{id}/stream"])
        {
            await B.ExpectAsync(200, $"GET {path}", ann);
            await B.ExpectAsync(403, $"GET {path}", eve);
            await B.ExpectAsync(200, $"GET {path}", Tokens.Of("boss", subscribe: ["generations.>"]));
        }

        // The answer to a DELETE has the text too.
        await B.ExpectAsync(403, $"DELETE /v1/generations/{id}", eve);
        await B.ExpectAsync(200, $"DELETE /v1/generations/{id}", ann);
        // A ticket is valid only for its topics, whoever has it.
        var ticket = Uri.EscapeDataString(await A.TicketAsync(Tokens.Of("ann", subscribe: ["orders.>"])));

        await B.ExpectAsync(401, $"GET /v1/generations/{id}/stream?ticket={ticket}");
    }

    [Fact]
    public async Task A_response_is_its_users_own()
    {
        var ann = Tokens.Of("ann", publish: ["generations.*"]);
        var eve = Tokens.Of("eve", publish: ["generations.*"]);
        object Asked(object input, string? previous = null) =>
            new
            {
                model = "demo",
                input,
                max_output_tokens = 5,
                previous_response_id = previous,
            };

        var response = await A.JsonAsync("POST /v1/responses", ann, Asked("hello"));
        var id = response.GetProperty("id").GetString();
        var item = response.GetProperty("output")[0].GetProperty("id").GetString();
        var path = $"/v1/responses/{id}";
        foreach (var request in (string[])[$"GET {path}", $"GET {path}?stream=true", $"GET {path}/input_items"])
        {
            await B.ExpectAsync(200, request, ann);
            await B.ExpectAsync(200, request, Tokens.Of("boss", subscribe: ["generations.>"]));
            Assert.Contains("permission_error", await B.ExpectAsync(403, request, eve), StringComparison.Ordinal);
        }

        await B.ExpectAsync(403, $"POST {path}/cancel", eve);
        await B.ExpectAsync(403, $"DELETE {path}", eve);

        // Nor is it another user's past.
        object[] reference = [new { type = "item_reference", id = item }, new { role = "user", content = "x" }];
        foreach (var asked in (object[])[Asked("x", id), Asked(reference)])
        {
            using (var body = JsonContent.Create(asked))
                await B.ExpectAsync(400, "POST /v1/responses", eve, body);
            using (var body = JsonContent.Create(asked))
                await B.ExpectAsync(200, "POST /v1/responses", ann, body);
        }

        await B.ExpectAsync(200, $"DELETE {path}", ann);
        await A.ExpectAsync(404, $"GET {path}", ann);
    }

    [Fact]
    public async Task A_chat_and_a_run_are_their_callers_own()
    {
        string[] publish = ["generations.*"];
        var (ann, eve) = (Tokens.Of("ann", publish: publish), Tokens.Of("eve", publish: publish));
        const string Text = "Tell me of cats.";
        var chat = new
        {
            id = "c.1/*",
            max_tokens = 4000,
            messages = new[] { new { role = "user", parts = new[] { new { type = "text", text = Text } } } },
        };
        var run = new
        {
            threadId = "t.1/*",
            runId = "r",
            messages = new[] { new { role = "user", content = Text } },
        };

        var first = await A.FirstAsync("POST /api/chat", ann, chat);
        var id = JsonElement.Parse(first["data: ".Length..]).GetProperty("messageId").GetString();
        await B.ExpectAsync(204, "GET /api/chat/c.1%2F*/stream", eve);
        await B.ExpectAsync(204, "GET /api/chat/c.1%2F*/stream", Tokens.Of("ann's reader"));
        await B.ExpectAsync(204, "DELETE /api/chat/c.1%2F*/stream", eve);
        Assert.Equal(first, await B.FirstAsync("GET /api/chat/c.1%2F*/stream", ann));

        await StreamAsync(A, "POST /agents/ag-ui", ann, run);
        await B.ExpectAsync(404, "DELETE /agents/ag-ui/t.1%2F*/r", eve);
        await B.ExpectAsync(204, "DELETE /agents/ag-ui/t.1%2F*/r", ann);
        const string Snapshot = "MESSAGES_SNAPSHOT";
        var others = await StreamAsync(B, "POST /agents/ag-ui", eve, run);
        Assert.DoesNotContain(Snapshot, others, StringComparison.Ordinal);
        Assert.Contains(Snapshot, await StreamAsync(B, "POST /agents/ag-ui", ann, run), StringComparison.Ordinal);

        static async Task<string> StreamAsync(Uri server, string request, string user, object? body = null)
        {
            using var response = await server.SendAsync(request, user, body);
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
            return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task An_idempotency_key_is_its_users_own()
    {
        var key = $"key-{Guid.NewGuid():N}";
        var bodies = new List<string>();
        foreach (var user in (string[])["ann", "eve", "ann"])
        {
            using var body = JsonContent.Create(Question);
            // A header of the body is sent like the others.
            body.Headers.TryAddWithoutValidation("Idempotency-Key", key);
            var token = Tokens.Of(user, publish: ["generations.*"]);
            bodies.Add(await A.ExpectAsync(201, "POST /v1/generations", token, body));
        }

        Assert.Equal(bodies[0], bodies[2]);
        Assert.NotEqual(bodies[0], bodies[1]);
    }

    [Fact]
    public async Task A_session_may_be_used_by_its_user_and_with_a_grant_of_its_topic()
    {
        string[] publish = ["sessions.*"];
        var ann = Tokens.Of("ann", publish: publish);
        var id = (await A.JsonAsync("POST /session", ann, new { })).GetProperty("session_id").GetString();
        foreach (
            var (token, expected) in new[]
            {
                (ann, 200),
                (Tokens.Of("eve", publish: publish), 403),
                (Tokens.Of("boss", subscribe: publish, publish: publish), 200),
            }
        )
        {
            await B.ExpectAsync(expected, $"POST /message/{id}", token, new { content = "Tell me of cats." });
            await B.ExpectAsync(expected, $"GET /session/{id}", token);
            await B.ExpectAsync(expected, $"GET /stream/{id}", token);
        }
    }

    [Theory]
    [InlineData("boss", "look_up_order", "petstore.>")]
    [InlineData("eve", null)]
    public async Task The_agents_tools_read_no_more_than_their_caller_may(
        string user,
        string? tool,
        params string[] subscribe
    )
    {
        var order = await A.JsonAsync("POST /v1/orders", SecureSystem.OperatorKey, new { petId = "019b4132" });
        var question = $"What is the status of order {order.GetProperty("id")}?";
        var token = Tokens.Of(user, subscribe, publish: ["agents.*", "sessions.*"]);
        await using var answer = await SecureSystem.OpenAsync(
            A,
            $"/stream?prompt={Uri.EscapeDataString(question)}",
            token
        );

        await answer.WaitAsync(r => r.Frames.Any(f => f.Event == "end"));
        Assert.Equal(tool, Tool(answer));

        // Another replica may answer a message: the right is the sender's.
        var session = (await A.JsonAsync("POST /session", token, new { })).GetProperty("session_id").GetString();
        await A.JsonAsync($"POST /message/{session}", token, new { content = question });
        await using var turn = await SecureSystem.OpenAsync(B, $"/stream/{session}?named=true", token);

        await turn.WaitAsync(r => r.Frames.Any(f => f.Data?.Contains("message_end") == true));
        Assert.Equal(tool, Tool(turn));

        static string? Tool(SseReader reader) =>
            reader
                .Events.Select(e => JsonDocument.Parse(e.Data!).RootElement)
                .FirstOrDefault(e => e.TryGetProperty("type", out var type) && type.GetString() == "tool_use")
                is { ValueKind: JsonValueKind.Object } call
                ? call.GetProperty("tool").GetString()
                : null;
    }

    [Theory]
    [InlineData("ann", 200, 201)]
    [InlineData("eve", 403, 403)]
    public async Task Orders_and_recommendations_are_for_the_caller_itself(string userId, int read, int ordered)
    {
        var ann = Tokens.Of("ann", publish: ["recommendations.*", "petstore.orders.*.status"]);
        var recommendations = $"GET /v1/pets/recommendations/stream?userId={userId}";
        await A.ExpectAsync(read, recommendations, ann);
        await A.ExpectAsync(ordered, "POST /v1/orders", ann, new { petId = "019b4132", userId });
        await A.ExpectAsync(200, recommendations, SecureSystem.OperatorKey);
    }

    [Fact]
    public async Task A_page_of_another_origin_gets_no_permission_and_a_refusal_no_name_of_the_server()
    {
        using var http = new HttpClient();
        using var preflight = new HttpRequestMessage(HttpMethod.Options, new Uri(A, "/v1/events/stream"));
        preflight.Headers.Add("Origin", "https://evil.example");
        preflight.Headers.Add("Access-Control-Request-Method", "GET");

        using var response = await http.SendAsync(preflight);
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));

        using var refused = await A.SendAsync("GET /v1/events");
        Assert.Equal("nosniff", Assert.Single(refused.Headers.GetValues("X-Content-Type-Options")));
        Assert.False(refused.Headers.Contains("Server"));
    }

    private static object Question =>
        new { model = "demo", messages = new[] { new { role = "user", content = "Tell me of cats." } } };
}
