using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Integration.Seeds;

/// <summary>Invalid requests get problem details with a 4xx that names the error, never a 5xx.</summary>
public sealed class ValidationTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    private const string Json = "application/json";
    private const string Nobody = "00000000-0000-4000-8000-000000000000";

    private const string Part =
            """{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"file"}]}]}""",
        Result =
            """{"messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"t","content":["""
            + """{"type":"text","text":"x"},{"type":"file","file":{"file_id":"f"}}]}]}""";

    [Theory]
    [InlineData("GET", "/items/stream?named=yes", 400, "named")]
    [InlineData("GET", "/items/stream?named", 400, "named")]
    [InlineData("GET", "/v1/events/stream?envelope=", 400, "envelope")]
    [InlineData("GET", "/sse/events?from=yesterday", 400, "from")]
    [InlineData("GET", "/v1/inventory/stream?slow=never", 400, "slow")]
    [InlineData("GET", "/sse/resilient/s?slow=never", 400, "slow")]
    [InlineData("GET", $"/v1/orders/{Nobody}/status/stream?slow=never", 400, "slow")]
    [InlineData("GET", $"/stream/{Nobody}?from=never", 400, "from")]
    [InlineData("GET", "/stream?prompt=a&slow=never", 400, "slow")]
    [InlineData("GET", "/v1/connections/stream?slow=never", 400, "slow")]
    [InlineData("GET", "/v1/connections/stream?sort=nothing", 400, "sort")]
    [InlineData("GET", "/v1/connections/stream?filter=a&filter=b", 400, "filter")]
    [InlineData("GET", "/v1/pets/recommendations/stream", 400, "userId")]
    [InlineData("GET", "/v1/pets/recommendations/stream?userId=", 400, "userId")]
    [InlineData("GET", "/v1/pets/recommendations/stream?userId=a&userId=b", 400, "userId")]
    [InlineData("GET", "/v1/pets/recommendations/stream?userId=a%00b", 400, "userId")]
    [InlineData("GET", "/v1/orders/nothing", 404, "id")]
    [InlineData("GET", $"/v1/orders/{Nobody}", 404, "id")]
    [InlineData("GET", $"/v1/orders/{Nobody}/status/stream", 404, "id")]
    [InlineData("GET", "/v1/orders/a.b", 404, "id")]
    [InlineData("GET", "/v1/orders/*/status/stream", 404, "id")]
    [InlineData("GET", "/v1/generations/a.b", 404, null)]
    [InlineData("GET", "/v1/generations/*/stream", 404, null)]
    [InlineData("GET", "/session/a.b", 404, null)]
    [InlineData("GET", "/stream/a.b", 404, null)]
    [InlineData("GET", "/v1/pets/a.b", 404, "petId")]
    [InlineData("GET", "/tasks/a.b", 404, "id")]
    [InlineData("DELETE", "/v1/connections/a.b", 404, null)]
    [InlineData("GET", "/v1/pets/nobody", 404, "petId")]
    [InlineData("GET", "/sse/resilient/a.b", 400, "session_id")]
    [InlineData("GET", "/tasks/nothing", 404, "id")]
    [InlineData("GET", "/tasks?limit=0", 400, "limit")]
    [InlineData("GET", "/tasks?limit=-1", 400, "limit")]
    [InlineData("GET", "/tasks?limit=ten", 400, "limit")]
    [InlineData("GET", "/tasks?limit=1&limit=2", 400, "limit")]
    [InlineData("GET", "/tasks?after=nothing", 400, "after")]
    [InlineData("GET", $"/tasks?after={Nobody}", 400, "after")]
    [InlineData("GET", "/tasks?status=finished", 400, "status")]
    [InlineData("GET", $"/tasks?status=done&after={Nobody}", 400, "after")]
    [InlineData("GET", $"/tasks?status=done&after=2026-11-20,{Nobody}", 400, "after")]
    [InlineData("GET", $"/tasks?after=2026-11-20,{Nobody}", 400, "after")]
    [InlineData("PUT", $"/tasks/status/{Nobody}?new_status=done", 404, "id")]
    [InlineData("PUT", $"/tasks/status/{Nobody}?new_status=finished", 400, "new_status")]
    [InlineData("PUT", $"/tasks/status/{Nobody}", 400, "new_status")]
    [InlineData("DELETE", "/items/stream", 405, null)]
    [InlineData("GET", "/chat/stream", 405, null)]
    [InlineData("DELETE", "/v1/orders", 405, null)]
    [InlineData("POST", "/v1/pets", 405, null)]
    [InlineData("PATCH", "/tasks", 405, null)]
    [InlineData("GET", "/no/such/thing", 404, null)]
    [InlineData("GET", "/stream", 400, "prompt")]
    [InlineData("GET", "/stream?prompt=%20", 400, "prompt")]
    [InlineData("GET", "/stream?prompt=a&provider=nobody", 400, "provider")]
    [InlineData("GET", $"/stream/{Nobody}", 404, null)]
    [InlineData("DELETE", "/session", 405, null)]
    [InlineData("GET", "/sse/chat", 405, null)]
    [InlineData("PUT", "/sse/resilient/s", 405, null)]
    public Task A_wrong_request_is_named(string method, string path, int status, string? field) =>
        RefusedAsync(method, path, null, null, status, field);

    [Theory]
    [InlineData("POST", "/stream", """{"prompt":5}""", 400, "prompt")]
    [InlineData("POST", "/v1/pets/recommendations/stream", """{"userId":true}""", 400, "userId")]
    [InlineData("POST", "/events/stream", """{"types":[5]}""", 400, "types")]
    [InlineData("POST", "/v1/events/stream", """{"topics":5}""", 400, "topics")]
    [InlineData("POST", "/v1/events/stream", """{"keys":[5]}""", 400, "keys")]
    [InlineData("POST", "/v1/events/stream", """{"from":true}""", 400, "from")]
    [InlineData("POST", "/chat/stream", "{}", 400, "text")]
    [InlineData("POST", "/chat/stream", """{"text":5}""", 400, "text")]
    [InlineData("POST", "/chat/stream", """{"text":null}""", 400, "text")]
    [InlineData("POST", "/chat/stream", "[]", 400, "body")]
    [InlineData("POST", "/chat/stream", "{", 400, "body")]
    [InlineData("POST", "/chat/stream", "", 400, "body")]
    [InlineData("POST", "/v1/orders", "{}", 400, "petId")]
    [InlineData("POST", "/v1/orders", """{"petId":7}""", 400, "petId")]
    [InlineData("POST", "/v1/orders", """{"petId":"nobody"}""", 404, "petId")]
    [InlineData("POST", "/v1/orders", """{"petId":"019b4132","quantity":0}""", 400, "quantity")]
    [InlineData("POST", "/v1/orders", """{"petId":"019b4132","quantity":1.5}""", 400, "quantity")]
    [InlineData("POST", "/v1/orders", """{"petId":"019b4132","quantity":"1"}""", 400, "quantity")]
    [InlineData("POST", "/v1/orders", """{"petId":"019b4132","quantity":1000}""", 409, "quantity")]
    [InlineData("POST", "/v1/orders", """{"petId":"019b4132","userId":{}}""", 400, "userId")]
    [InlineData("PATCH", "/v1/pets/019b4132", "{}", 400, "price")]
    [InlineData("PATCH", "/v1/pets/019b4132", """{"price":"5"}""", 400, "price")]
    [InlineData("PATCH", "/v1/pets/019b4132", """{"price":0}""", 400, "price")]
    [InlineData("PATCH", "/v1/pets/019b4132", """{"price":1e300}""", 400, "price")]
    [InlineData("PATCH", "/v1/pets/019b4132", """{"stock":-1}""", 400, "stock")]
    [InlineData("PATCH", "/v1/pets/nobody", """{"stock":1}""", 404, "petId")]
    [InlineData("POST", "/tasks", "{}", 400, "title")]
    [InlineData("POST", "/tasks", """{"title":" "}""", 400, "title")]
    [InlineData("POST", "/tasks", """{"title":["a"]}""", 400, "title")]
    [InlineData("POST", "/tasks", """{"title":"\ud800"}""", 400, "title")]
    [InlineData("POST", "/tasks", """{"title":"a\u0000b"}""", 400, "title")]
    [InlineData("POST", "/items/stream", """{"named":{}}""", 400, "named")]
    [InlineData("QUERY", "/events/stream", "{", 400, "body")]
    [InlineData("POST", "/sse/chat", "{}", 400, "messages")]
    [InlineData(
        "POST",
        "/sse/chat",
        """{"messages":[{"role":"user","content":"x"}],"max_tokens":"5"}""",
        400,
        "max_tokens"
    )]
    [InlineData("POST", "/sse/chat", Part, 400, "messages[0].content[1].type")] // the model would not see it
    [InlineData("POST", "/sse/chat", Result, 400, "messages[1].content[1].type")] // the model would see a part
    [InlineData("POST", "/sse/backpressure-chat", """{"messages":"x"}""", 400, "messages")]
    [InlineData("POST", "/session", """{"provider":5}""", 400, "provider")]
    [InlineData("POST", "/session", "{", 400, "body")]
    [InlineData("POST", "/session", """{"model":"\ud800"}""", 400, "model")]
    [InlineData("POST", "/session", """{"\ud800":1}""", 400, "body")]
    [InlineData("POST", "/tasks", """{"\ud8000":1,"title":"x"}""", 400, "body")]
    [InlineData("POST", $"/message/{Nobody}", """{"content":"x"}""", 404, null)]
    [InlineData("POST", "/sse/resilient/s/failure", """{"times":"2"}""", 400, "times")]
    public Task A_wrong_body_is_named(string method, string path, string body, int status, string? field) =>
        RefusedAsync(method, path, body, Json, status, field);

    [Theory]
    [InlineData("POST", "/chat/stream")]
    [InlineData("POST", "/v1/orders")]
    [InlineData("PATCH", "/v1/pets/019b4132")]
    [InlineData("POST", "/tasks")]
    [InlineData("POST", "/items/stream")]
    [InlineData("POST", "/sse/events")]
    [InlineData("POST", "/stream")]
    [InlineData("QUERY", "/v1/inventory/stream")]
    public async Task A_body_that_is_no_JSON_gets_415_and_one_too_large_413(string method, string path)
    {
        await RefusedAsync(method, path, "text=hello", "application/x-www-form-urlencoded", 415, null);
        await RefusedAsync(method, path, new string(' ', 300_000) + "{}", Json, 413, null);
    }

    [Theory]
    [InlineData("/session")]
    [InlineData("/sse/chat")]
    [InlineData("/sse/backpressure-chat")]
    public Task A_message_that_is_no_JSON_gets_415(string path) =>
        RefusedAsync("POST", path, "hello", "text/plain", 415, null);

    [Fact]
    public Task A_title_too_long_is_named() =>
        RefusedAsync("POST", "/tasks", $$"""{"title":"{{new string('a', 201)}}"}""", Json, 400, "title");

    private async Task RefusedAsync(string method, string path, string? body, string? type, int status, string? field)
    {
        using var content = body is null
            ? null
            : new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue(type!));
        using var response = await SeedRequests.SendAsync(A, new HttpMethod(method), path, content);
        var text = await response.TextAsync();

        Assert.True(status == (int)response.StatusCode, $"{method} {path} {body}: {response.StatusCode} {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(text).RootElement;

        Assert.Equal(status, problem.Number("status"));
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);

        if (field is not null)
            Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), text);
    }
}
