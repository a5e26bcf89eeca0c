using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Models.Messages;
using OpenAI;
using OpenAI.Chat;

namespace Integration.Llm;

/// <summary>Refusals in the formats that the vendors' clients expect.</summary>
public sealed class VendorErrorTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private const string OpenAi = "/v1/chat/completions",
        Anthropic = "/v1/messages";

    private ChatClient OpenAiClient(string model = "demo") =>
        new(
            model,
            new ApiKeyCredential("sk-client"),
            new OpenAIClientOptions { Endpoint = new Uri(shared.World.A.Url, "/v1") }
        );

    private AnthropicClient AnthropicClient =>
        new()
        {
            ApiKey = "sk-ant-client",
            BaseUrl = shared.World.A.Url.ToString().TrimEnd('/'),
            MaxRetries = 0,
        };

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"nobodys","messages":[{"role":"user","content":"x"}]}""", 404)]
    [InlineData("/v1/chat/completions", """{"model":"demo"}""", 400)]
    [InlineData("/v1/chat/completions", """{"model":"demo","messages":[{"role":"king","content":"x"}]}""", 400)]
    [InlineData("/v1/chat/completions", """{"model":"demo","messages":"x"}""", 400)]
    [InlineData("/v1/chat/completions", "{", 400)]
    [InlineData(
        "/v1/messages",
        """{"model":"nobodys","max_tokens":1,"messages":[{"role":"user","content":"x"}]}""",
        404
    )]
    [InlineData("/v1/messages", """{"model":"demo","messages":[{"role":"user","content":"x"}]}""", 400)]
    [InlineData("/v1/messages", """{"model":"demo","max_tokens":1,"messages":[{"role":"king","content":"x"}]}""", 400)]
    [InlineData(
        "/v1/messages",
        """{"model":"demo","max_tokens":1,"temperature":1.5,"messages":[{"role":"user","content":"x"}]}""",
        400
    )]
    [InlineData(
        "/v1/chat/completions",
        """{"model":"demo","temperature":2.5,"messages":[{"role":"user","content":"x"}]}""",
        400
    )]
    [InlineData(
        "/v1/chat/completions",
        """{"model":"demo","top_p":-0.1,"messages":[{"role":"user","content":"x"}]}""",
        400
    )]
    [InlineData("/v1/messages", "[]", 400)]
    public async Task A_wrong_request_is_refused_in_the_vendors_shape(string path, string body, int status)
    {
        using var response = await LlmSystem.Http.PostAsync(
            new Uri(shared.World.A.Url, path),
            new StringContent(body, Encoding.UTF8, "application/json")
        );
        Assert.Equal(status, (int)response.StatusCode);
        var error = await response.Content.ReadFromJsonAsync<JsonElement>();
        if (path == "/v1/messages")
            Assert.Equal("error", error.GetProperty("type").GetString());
        Assert.Equal(
            status == 404 && path == "/v1/messages" ? "not_found_error" : "invalid_request_error",
            error.GetProperty("error").GetProperty("type").GetString()
        );
        Assert.NotEmpty(error.GetProperty("error").GetProperty("message").GetString()!);
    }

    [Theory]
    [InlineData("POST", "/v1/messages/batches", 404, "not_found_error")]
    [InlineData("GET", "/v1/messages/batches/msgbatch_1", 404, "not_found_error")]
    [InlineData("POST", "/v1/complete", 404, "not_found_error")]
    [InlineData("GET", "/v1/messages", 405, "invalid_request_error")]
    [InlineData("GET", "/v1/messages/count_tokens", 405, "invalid_request_error")]
    [InlineData("POST", "/v1/chat", 404, "invalid_request_error")]
    [InlineData("GET", "/v1/chat/completions/chatcmpl-1", 404, "invalid_request_error")]
    [InlineData("POST", "/v1/completions", 404, "invalid_request_error")]
    [InlineData("POST", "/v1/embeddings", 404, "invalid_request_error")]
    [InlineData("POST", "/v1/responses", 404, "invalid_request_error")]
    [InlineData("DELETE", "/v1/chat/completions", 405, "invalid_request_error")]
    public async Task An_unknown_route_is_answered_in_the_vendors_shape(
        string method,
        string path,
        int status,
        string type
    )
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(shared.World.A.Url, path));
        if (method == "POST")
            request.Content = JsonContent.Create(new { model = "demo", input = "x" });
        using var response = await LlmSystem.Http.SendAsync(request);
        Assert.Equal(
            (status, "application/json"),
            ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType)
        );
        Assert.Equal(status == 405 ? ["POST"] : [], response.Content.Headers.Allow);
        await SaysAsync(
            response,
            isAnthropic: path.StartsWith("/v1/messages", StringComparison.Ordinal) || path == "/v1/complete",
            type
        );
    }

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/messages")]
    [InlineData("/v1/messages/count_tokens")]
    public async Task A_body_of_another_kind_gets_415_in_the_vendors_shape(string path)
    {
        using var response = await LlmSystem.Http.PostAsync(
            new Uri(shared.World.A.Url, path),
            new StringContent("model=demo", Encoding.UTF8, "application/x-www-form-urlencoded")
        );
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        await SaysAsync(response, isAnthropic: path != "/v1/chat/completions", "invalid_request_error");
    }

    [Fact]
    public async Task The_dotnet_clients_see_the_vendors_errors()
    {
        var unknown = await Assert.ThrowsAsync<ClientResultException>(() =>
            OpenAiClient("nobodys").CompleteChatAsync([new UserChatMessage("x")])
        );
        Assert.Equal(404, unknown.Status);
        Assert.Contains("nobodys", unknown.Message, StringComparison.Ordinal);
        var missing = await Assert.ThrowsAnyAsync<Exception>(() =>
            AnthropicClient.Messages.Create(
                new MessageCreateParams
                {
                    Model = "nobodys",
                    MaxTokens = 1,
                    Messages = [new UserMessageParam { Content = "x" }],
                }
            )
        );
        Assert.Contains("NotFound", missing.GetType().Name, StringComparison.Ordinal);

        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half");
            await request.RawAsync("data: {\"error\":{\"message\":\"too much at once\"}}\n\n");
        });

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (
                var _ in AnthropicClient.Messages.CreateStreaming(
                    new MessageCreateParams
                    {
                        Model = "llama",
                        MaxTokens = 9,
                        Messages = [new UserMessageParam { Content = prompt }],
                    }
                )
            ) { }
        });
    }

    [Theory]
    [InlineData(429, 429, "rate_limit_error", "rate_limit_error")]
    [InlineData(500, 502, "server_error", "api_error")]
    [InlineData(401, 502, "server_error", "api_error")]
    [InlineData(413, 413, "invalid_request_error", "request_too_large")]
    public async Task A_providers_refusal_is_a_status_in_the_clients_own_shape(
        int upstream,
        int status,
        string openAiType,
        string anthropicType
    )
    {
        var prompt = shared.World.Upstream.On(request => request.RefuseAsync(upstream, "no"));

        foreach (
            var (path, type) in ((string, string)[])
                [("/v1/chat/completions", openAiType), ("/v1/messages", anthropicType)]
        )
        {
            using var response = await LlmSystem.Http.PostAsJsonAsync(
                new Uri(shared.World.A.Url, path),
                new
                {
                    model = "gpt-4o",
                    max_tokens = 9,
                    stream = true,
                    messages = new[] { new { role = "user", content = prompt } },
                }
            );
            Assert.Equal(status, (int)response.StatusCode);
            Assert.Equal(
                type,
                (await response.Content.ReadFromJsonAsync<JsonElement>())
                    .GetProperty("error")
                    .GetProperty("type")
                    .GetString()
            );
        }
    }

    /// <summary>A small request with one member that is too large.</summary>
    public static TheoryData<string, string, string, object> TooMuch()
    {
        var hi = new { role = "user", content = "hi" };
        string[] Stops(int count) => [.. Enumerable.Range(0, count).Select(i => $"s{i}")];
        string Long(int length) => new('x', length);
        object OpenAiTool(string name) => new { type = "function", function = new { name } };
        object AnthropicTool(string name) => new { name, input_schema = new { type = "object" } };
        var texts = Enumerable.Repeat(new { type = "text", text = "" }, 2_049);

        return new()
        {
            { OpenAi, "stop", "stop", Stops(5) },
            { OpenAi, "stop", "stop", Stops(350_000) },
            { OpenAi, "stop", "stop", Long(257) },
            { OpenAi, "stop", "stop", new[] { Long(257) } },
            { OpenAi, "tools", "tools", Enumerable.Range(0, 129).Select(i => OpenAiTool($"t{i}")) },
            { OpenAi, "tools[0].function.name", "tools", new[] { OpenAiTool(Long(65)) } },
            { OpenAi, "messages", "messages", Enumerable.Repeat(hi, 2_049) },
            { OpenAi, "messages[0].content", "messages", new[] { new { role = "user", content = texts } } },
            { OpenAi, "messages[0].role", "messages", new[] { new { role = Long(257), content = "hi" } } },
            { OpenAi, "model", "model", "demo/" + Long(257) },
            { OpenAi, "n", "n", 2 },
            { Anthropic, "stop_sequences", "stop_sequences", Stops(17) },
            { Anthropic, "stop_sequences", "stop_sequences", Stops(350_000) },
            { Anthropic, "stop_sequences", "stop_sequences", new[] { Long(257) } },
            { Anthropic, "tools", "tools", Enumerable.Range(0, 129).Select(i => AnthropicTool($"t{i}")) },
            { Anthropic, "tools.0.name", "tools", new[] { AnthropicTool(Long(129)) } },
            { Anthropic, "messages", "messages", Enumerable.Repeat(hi, 2_049) },
            { Anthropic, "system", "system", texts },
            { Anthropic, "model", "model", "demo/" + Long(257) },
        };
    }

    [Theory]
    [MemberData(nameof(TooMuch), DisableDiscoveryEnumeration = true)]
    public async Task Parameters_that_multiply_work_have_the_vendors_bounds(
        string path,
        string field,
        string member,
        object value
    )
    {
        var body = new Dictionary<string, object>
        {
            ["model"] = "demo",
            ["max_tokens"] = 9,
            ["messages"] = new[] { new { role = "user", content = "hi" } },
            [member] = value,
        };
        using var response = await LlmSystem.PostAsync(shared.World.A, path, body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        await SaysAsync(response, isAnthropic: path == "/v1/messages", "invalid_request_error");
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains(field, text, StringComparison.Ordinal);
        Assert.True(text.Length < 1_000, $"{text.Length} characters"); // without the value
    }

    internal static async Task SaysAsync(HttpResponseMessage response, bool isAnthropic, string type)
    {
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(isAnthropic, body.TryGetProperty("type", out var kind) && kind.GetString() == "error");
        Assert.Equal(type, body.GetProperty("error").GetProperty("type").GetString());
        Assert.NotEmpty(body.GetProperty("error").GetProperty("message").GetString()!);
        Assert.NotEmpty(response.Headers.GetValues(isAnthropic ? "request-id" : "x-request-id").Single());
    }
}
