using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Anthropic.Models.Messages;
using Integration.Seeds;
using OpenAI.Chat;
using static Integration.Llm.VendorClients;

namespace Integration.Llm;

/// <summary>Refusals in the formats that the vendors' clients expect.</summary>
public sealed class VendorErrorTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Hi = """{"role":"user","content":"hi"}""",
        Function = """ "tools":[{"type":"function","function":{"name":"f"}}]""",
        Tool = """ "tools":[{"name":"f","input_schema":{"type":"object"}}]""",
        Custom = """ "tools":[{"type":"custom","custom":{"name":"f"}}]""",
        Format = """ "output_config":{"format":{"type":"json_schema"}}""",
        Unsent = "|cannot be sent to this model";

    /// <summary>Requests with one thing that is wrong, and its name in the answer.</summary>
    public static TheoryData<string, string, string> Wrong() =>
        new()
        {
            { Completions, "{", "body" },
            { Completions, """{"model":"demo"}""", "messages" },
            { Completions, """{"model":"demo","messages":"x"}""", "messages" },
            { Completions, With("demo", null, """{"role":"king","content":"x"}"""), "messages[1].role" },
            { Completions, With("demo", """ "temperature":2.5"""), "temperature" },
            { Completions, With("demo", """ "top_p":-0.1"""), "top_p" },
            { Messages, "[]", "body" },
            { Messages, $$"""{"model":"demo","messages":[{{Hi}}]}""", "max_tokens" },
            { Messages, With("demo", null, """{"role":"king","content":"x"}"""), "messages.1.role" },
            { Messages, With("demo", """ "temperature":1.5"""), "temperature" },
            // It would be answered otherwise than asked.
            { Completions, With("demo", Function + """ ,"tool_choice":{"function":{"name":""}}"""), "tool_choice" },
            { Completions, With("demo", Function + """ ,"tool_choice":{"function":{"name":" "}}"""), "tool_choice" },
            { Messages, With("demo", Tool + """ ,"tool_choice":{"type":"tool","name":""}"""), "tool_choice.name" },
            { Messages, With("demo", """ "tools":[{"name":" "}]"""), "tools.0.name" },
            { Completions, With("demo", """ "tool_choice":"required" """), "tool_choice" },
            { Messages, With("demo", Tool + """ ,"tool_choice":{"type":"tool","name":"g"}"""), "tool_choice" },
            { Completions, With("claude-x", """ "web_search_options":{}"""), "web_search_options" },
            { Messages, With("demo", """ "container":{}"""), "container" },
            { Completions, With("claude-x", null, """{"role":"user","content":[]}"""), "messages[1].content" },
            { Messages, With("demo", null, """{"role":"user","content":[]}"""), "messages.1.content" },
            { Completions, With("claude-x", Custom), "tools[0].type" },
            { Messages, With("gpt-4o", """ "tools":[{"type":"web_search_20250305","name":"w"}]"""), "tools.0.type" },
            { Completions, With("gpt-4o", """ "seed":1,"seed":2"""), "seed" },
            { Completions, With("gpt-4o", """ "stream_options":{"a":1,"a":2}"""), "stream_options.a" },
            { Completions, With("gpt-4o", """ "metadata":{"a":[1,{"b":{"c":1,"d":2,"c":3}}]}"""), "metadata.a[1].b.c" },
            { Completions, With("gpt-4o", """ "metadata":{"a":1,"\u0061":2}"""), "metadata.a" },
            { Messages, With("claude-x", """ "system":[{"type":"text","text":"x","text":"y"}]"""), "system[0].text" },
            { Messages, With("claude-x", """ "model":"demo" """), "model" },
            { Completions, With("claude-x", """ "response_format":{"type":"json_object"}"""), "response_format" },
            { Completions, With("demo", """ "response_format":{"type":"json_schema"}"""), "response_format" },
            { Completions, With("claude-x", """ "logprobs":true"""), "logprobs" },
            { Messages, With("demo", Format), "output_config.format" },
            { Messages, With("gpt-4o", """ "output_format":{"type":"json_schema"}"""), "output_format" },
            { Messages, With("demo", """ "mcp_servers":[{"type":"url","url":"https://x"}]"""), "mcp_servers" },
            { Messages, With("demo", """ "context_management":{"edits":[]}"""), "context_management" },
            { Messages, With("demo", """ "container":"c" """), "container" },
            { Messages, With("gpt-4o", """ "fallbacks":["demo"]"""), "fallbacks" },
            { Messages, With("gpt-4o", """ "thread":{"type":"continue","previous_message_id":"m"}"""), "thread" },
            { Completions, With("claude-x", """ "stop":["END","\n"]"""), "stop|does not stop at it" },
            { Completions, With("claude-x", """ "moderation":{"model":"m"}"""), "moderation" },
            { Completions, With("demo", """ "max_tokns":5"""), "max_tokns|is not known here" },
            { Completions, With("claude-x", """ "Temperature":0"""), "Temperature|did you mean temperature?" },
            { Messages, With("llama", """ "stop":["x"]"""), "stop|is not known here" },
            // The model would not see it, or only a part of it.
            { Completions, With("claude-x", null, Parts("input_audio")), "messages[1].content[1].type" },
            { Messages, With("gpt-4o", null, Parts("document")), "messages.1.content.1.type" },
            { Messages, With("gpt-4o", null, DocumentResult), "messages.1.content.0.content.1.type" + Unsent },
            { Messages, With("gpt-4o", null, ImageResult), "messages.1.content.0.content" + Unsent },
            { Messages, With("gpt-4o", null, ImageFile), "messages.1.content.0.source.type" + Unsent },
            { Completions, With("claude-x", null, FileResult), "messages[1].content[1].type" + Unsent },
            { Completions, With("claude-x", null, ImageUrlResult), "messages[1].content" + Unsent },
            { Completions, With("claude-x", null, OldCall), "messages[1].function_call" + Unsent },
            { Completions, With("claude-x", null, Spoken), "messages[1].audio" + Unsent },
        };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public async Task A_wrong_request_is_refused_in_the_vendors_shape(string path, string body, string named)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await LlmSystem.PostAsync(A, path, content);
        await IsRefusedAsync(response, path, HttpStatusCode.BadRequest, "invalid_request_error", named);
    }

    /// <summary>A member that is too large, in a small request, and its name in the answer.</summary>
    public static TheoryData<string, string, object, string> TooMuch()
    {
        string Long(int length) => new('x', length);

        object Message(object content, string role = "user") => new { role, content };

        object Function(string name) => new { type = "function", function = new { name } };

        object Tool(string name) => new { name, input_schema = new { type = "object" } };

        var numbers = Enumerable.Range(0, 129).ToList();
        var stops = Enumerable.Range(0, 350_000).Select(n => $"s{n}");
        var texts = Enumerable.Repeat(new { type = "text", text = "" }, 2_049);

        return new()
        {
            { Completions, "stop", stops.Take(5), "stop" },
            { Completions, "stop", stops, "stop" },
            { Completions, "stop", Long(257), "stop" },
            { Completions, "stop", new[] { Long(257) }, "stop" },
            { Completions, "tools", numbers.Select(n => Function($"t{n}")), "tools" },
            { Completions, "tools", new[] { Function(Long(65)) }, "tools[0].function.name" },
            { Completions, "messages", Enumerable.Repeat(Message("hi"), 2_049), "messages" },
            { Completions, "messages", new[] { Message(texts) }, "messages[0].content" },
            { Completions, "messages", new[] { Message("hi", Long(257)) }, "messages[0].role" },
            { Completions, "model", "demo/" + Long(257), "model" },
            { Completions, "n", 2, "n" },
            { Messages, "stop_sequences", stops.Take(17), "stop_sequences" },
            { Messages, "stop_sequences", stops, "stop_sequences" },
            { Messages, "stop_sequences", new[] { Long(257) }, "stop_sequences" },
            { Messages, "tools", numbers.Select(n => Tool($"t{n}")), "tools" },
            { Messages, "tools", new[] { Tool(Long(129)) }, "tools.0.name" },
            { Messages, "messages", Enumerable.Repeat(Message("hi"), 2_049), "messages" },
            { Messages, "system", texts, "system" },
            { Messages, "model", "demo/" + Long(257), "model" },
        };
    }

    [Theory]
    [MemberData(nameof(TooMuch), DisableDiscoveryEnumeration = true)]
    public async Task Parameters_that_multiply_work_have_the_vendors_bounds(
        string path,
        string member,
        object value,
        string named
    )
    {
        var body = new Dictionary<string, object>
        {
            ["model"] = "demo",
            ["max_tokens"] = 9,
            ["messages"] = new[] { new { role = "user", content = "hi" } },
            [member] = value,
        };
        using var response = await LlmSystem.PostAsync(A, path, body);
        await IsRefusedAsync(response, path, HttpStatusCode.BadRequest, "invalid_request_error", named);
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
    [InlineData("GET", "/v1/responses", 405, "invalid_request_error")]
    [InlineData("POST", "/v1/responses/compact", 404, "invalid_request_error")]
    [InlineData("POST", "/v1/conversations", 404, "invalid_request_error")]
    [InlineData("GET", "/v1/threads/thread_1", 404, "invalid_request_error")]
    [InlineData("POST", "/v1/vector_stores", 404, "invalid_request_error")]
    [InlineData("POST", "/v1/realtime/sessions", 404, "invalid_request_error")]
    [InlineData("POST", "/v1/fine_tuning/jobs", 404, "invalid_request_error")]
    [InlineData("DELETE", "/v1/chat/completions", 405, "invalid_request_error")]
    public async Task An_unknown_route_is_answered_in_the_vendors_shape(
        string method,
        string path,
        int status,
        string type
    )
    {
        using var body = method == "POST" ? JsonContent.Create(new { model = "demo", input = "x" }) : null;
        using var response = await SeedRequests.SendAsync(A.Url, new HttpMethod(method), path, body);
        Assert.Equal(status == 405 ? ["POST"] : [], response.Content.Headers.Allow);
        await IsRefusedAsync(response, path, (HttpStatusCode)status, type);
    }

    [Theory]
    [InlineData(Completions)]
    [InlineData(Messages)]
    [InlineData(Messages + "/count_tokens")]
    public async Task A_body_of_another_kind_gets_415_in_the_vendors_shape(string path)
    {
        using var form = new StringContent("model=demo", Encoding.UTF8, "application/x-www-form-urlencoded");
        using var response = await LlmSystem.PostAsync(A, path, form);
        await IsRefusedAsync(response, path, HttpStatusCode.UnsupportedMediaType, "invalid_request_error");
    }

    [Theory]
    [InlineData(Completions, "nobodys", "invalid_request_error")]
    [InlineData(Messages, "nobodys", "not_found_error")]
    [InlineData(Messages + "/count_tokens", "claude-x", "not_found_error")] // only the demo model can count
    public async Task A_model_that_cannot_be_asked_gets_404_in_the_vendors_shape(string path, string model, string type)
    {
        using var response = await LlmSystem.PostAsync(A, path, LlmSystem.VendorQuestion("x", model));
        await IsRefusedAsync(response, path, HttpStatusCode.NotFound, type, model == "nobodys" ? model : "");
    }

    [Fact]
    public async Task A_path_of_both_vendors_is_refused_in_the_shape_of_the_client()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(A.Url, "/v1/files"));
        request.Headers.Add("anthropic-version", "2023-06-01");
        using var response = await LlmSystem.Http.SendAsync(request);
        await IsRefusedAsync(response, Messages, HttpStatusCode.NotFound, "not_found_error");
    }

    [Theory]
    [InlineData("/v1/generations", """ "logprobs":true""", "logprobs")]
    [InlineData("/v1/generations", """ "tools":[{"type":"custom","name":"f"}]""", "tools[0].type")]
    [InlineData("/v1/generations", """ "response_format":{"type":"json_object"}""", "response_format")]
    [InlineData("/sse/chat", """ "response_format":{"type":"json_object"}""", "response_format")]
    [InlineData("/sse/chat", """ "tools":[{"type":"function","function":{"name":"f"}}]""", "tools")]
    public async Task A_member_that_would_be_ignored_is_refused(string path, string member, string named)
    {
        using var content = new StringContent(With("demo", member), Encoding.UTF8, "application/json");
        using var response = await LlmSystem.PostAsync(A, path, content);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(named, await response.TextAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("local/llama")]
    [InlineData("local%2Fllama")]
    [InlineData("local%2fllama")]
    [InlineData("llama")]
    public async Task A_model_is_found_by_the_name_that_a_request_may_have(string name)
    {
        var model = await SeedRequests.GetAsync(A.Url, $"/v1/models/{name}");
        Assert.Equal((Uri.UnescapeDataString(name), "local"), (model.Text("id"), model.Text("owned_by")));
    }

    [Theory]
    [InlineData(Completions, "gpt-4o", "context_length_exceeded")]
    [InlineData(Completions, "claude-x", "context_length_exceeded")]
    [InlineData(Messages, "gpt-4o", "It is too long")]
    public async Task The_providers_word_for_a_wrong_request_is_kept(string path, string model, string named)
    {
        const string refusal =
            """{"error":{"message":"It is too long","type":"invalid_request_error","""
            + """ "code":"context_length_exceeded"}}""";
        var prompt = Upstream.On(async request =>
        {
            request.Context.Response.StatusCode = 400;
            await request.RawAsync(refusal);
        });
        using var response = await LlmSystem.PostAsync(A, path, LlmSystem.VendorQuestion(prompt, model));
        await IsRefusedAsync(response, path, HttpStatusCode.BadRequest, "invalid_request_error", named);

        var id = await LlmSystem.GenerateAsync(A, prompt, model == "gpt-4o" ? "openai" : "anthropic");
        await using var reader = await LlmSystem.ReadAsync(A, id);
        Assert.Equal("context_length_exceeded", reader.Events.Last().Json().Text("reason"));
    }

    /// <summary>A client that waits and asks again gets no answer before the account is paid.</summary>
    [Fact]
    public async Task A_provider_that_wants_to_be_paid_is_asked_once_and_its_word_is_kept()
    {
        var prompt = Upstream.On(async request =>
        {
            request.Context.Response.StatusCode = 429;
            await request.RawAsync(
                """{"error":{"message":"Pay first","type":"insufficient_quota","code":"insufficient_quota"}}"""
            );
        });
        using var response = await LlmSystem.PostAsync(A, Completions, LlmSystem.VendorQuestion(prompt));
        await IsRefusedAsync(
            response,
            Completions,
            HttpStatusCode.TooManyRequests,
            "rate_limit_error",
            """ "code":"insufficient_quota" """.Trim()
        );
        Assert.Equal(["false"], response.Headers.GetValues("x-should-retry"));
        Assert.Equal(1, Upstream.Attempts(prompt));

        // The others read it back from the store.
        using var stored = await LlmSystem.PostAsync(A, "/v1/responses", new { model = "gpt-4o", input = prompt });
        Assert.Equal(HttpStatusCode.TooManyRequests, stored.StatusCode);
        Assert.Equal("insufficient_quota", (await stored.JsonAsync()).Text("error.code"));
        var id = await LlmSystem.GenerateAsync(A, prompt, "openai");
        await using var page = await SseReader
            .OpenAsync(B.Url, $"{LlmSystem.Stream(id)}?format=ui-messages")
            .ToEndAsync();
        var error = page.Events.Select(e => e.Data!).Single(d => d.Contains("errorText", StringComparison.Ordinal));
        Assert.Equal("insufficient_quota", JsonElement.Parse(error).Text("code"));
    }

    [Fact]
    public async Task The_dotnet_clients_see_the_vendors_errors()
    {
        var unknown = await Assert.ThrowsAsync<ClientResultException>(() =>
            ForOpenAi(A, "nobodys").CompleteChatAsync([new UserChatMessage("x")])
        );
        Assert.Equal(404, unknown.Status);
        Assert.Contains("nobodys", unknown.Message, StringComparison.Ordinal);

        var missing = await Assert.ThrowsAnyAsync<Exception>(() =>
            ForAnthropic(A).Messages.Create(Question("x", "nobodys"))
        );
        Assert.Contains("NotFound", missing.GetType().Name, StringComparison.Ordinal);

        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half");
            await request.EventsAsync("""{"error":{"message":"too much at once"}}""");
        });

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var _ in ForAnthropic(A).Messages.CreateStreaming(Question(prompt, "llama"))) { }
        });

        static MessageCreateParams Question(string prompt, string model) =>
            new()
            {
                Model = model,
                MaxTokens = 9,
                Messages = [new UserMessageParam { Content = prompt }],
            };
    }

    [Theory]
    [InlineData(429, 429, "rate_limit_error", "rate_limit_error", 3)]
    [InlineData(500, 502, "server_error", "api_error", 3)]
    [InlineData(413, 413, "invalid_request_error", "request_too_large", 1)]
    [InlineData(404, 404, "invalid_request_error", "not_found_error", 1)]
    [InlineData(400, 400, "invalid_request_error", "invalid_request_error", 1)]
    [InlineData(401, 502, "server_error", "api_error", 1)] // the key is the server's, not the client's
    public async Task A_providers_error_is_the_status_of_a_stream_though_the_provider_keeps_its_answer_open(
        int upstream,
        int status,
        string openAiType,
        string anthropicType,
        int attempts
    )
    {
        foreach (var (path, type) in ((string, string)[])[(Completions, openAiType), (Messages, anthropicType)])
        {
            var answered = new TaskCompletionSource();
            var prompt = Upstream.On(async request =>
            {
                request.Context.Response.StatusCode = upstream;
                request.Context.Response.ContentType = "application/json";
                await request.RawAsync("""{"type":"error","error":{"type":"some_error","message":"It is so"}}""");
                await answered.Task;
            });

            // After the wait for the head, two seconds here, the answer would be a stream that has begun, with 200.
            using var response = await LlmSystem.PostAsync(A, path, LlmSystem.VendorQuestion(prompt));
            answered.SetResult();
            await IsRefusedAsync(response, path, (HttpStatusCode)status, type, upstream == 401 ? "" : "It is so");
            Assert.Equal(attempts, Upstream.Attempts(prompt));
        }
    }

    /// <summary>Holds for a refusal in the format of the path's vendor, without the values of the request.</summary>
    /// <param name="response">The refusal.</param>
    /// <param name="path">The path that was asked.</param>
    /// <param name="status">Its status.</param>
    /// <param name="type">The vendor's word for it.</param>
    /// <param name="named">Texts in it, separated by <c>|</c>.</param>
    internal static async Task IsRefusedAsync(
        HttpResponseMessage response,
        string path,
        HttpStatusCode status,
        string type,
        string named = ""
    )
    {
        var isAnthropic = path.StartsWith(Messages, StringComparison.Ordinal) || path == "/v1/complete";
        var text = await response.TextAsync();
        Assert.True(status == response.StatusCode, $"{response.StatusCode} {text}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.NotEmpty(response.Headers.GetValues(isAnthropic ? "request-id" : "x-request-id").Single());

        var body = JsonElement.Parse(text);
        Assert.Equal(isAnthropic, body.TryGetProperty("type", out var kind) && kind.GetString() == "error");
        Assert.Equal(type, body.Text("error.type"));
        Assert.NotEmpty(body.Text("error.message")!);
        Assert.All(named.Split('|'), part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.InRange(text.Length, 1, 1_000);
    }

    /// <summary>A request with a member, or with a second message.</summary>
    private static string With(string model, string? member, string? message = null) =>
        $$"""{"model":"{{model}}","max_tokens":9,"messages":[{{Hi}}{{Next(message)}}]{{Next(member)}}}""";

    private static string Next(string? json) => json is null ? "" : "," + json;

    private static string Parts(string kind) =>
        $$"""{"role":"user","content":[{"type":"text","text":"x"},{"type":"{{kind}}"}]}""";
}
