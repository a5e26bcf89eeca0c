using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Models.Messages;
using Integration.Delivery;
using LlmGateway.Providers;
using OpenAI;
using OpenAI.Chat;
using Streaming.Endpoints;
using Streaming.Requests;

namespace Integration.Llm;

/// <summary>The vendors' own clients, their base address changed and nothing else.</summary>
public sealed class FaceTests(LlmSystem system) : IClassFixture<LlmSystem>
{
    private const string Prompt = "Please tell me in ten words or more what a durable stream is";

    private ChatClient OpenAiClient(string model = "demo") =>
        new(
            model,
            new ApiKeyCredential("sk-client"),
            new OpenAIClientOptions { Endpoint = new Uri(system.A.Url, "/v1") }
        );

    private AnthropicClient AnthropicClient =>
        new()
        {
            ApiKey = "sk-ant-client",
            BaseUrl = system.A.Url.ToString().TrimEnd('/'),
            MaxRetries = 0,
        };

    [Fact]
    public async Task The_same_prompt_gives_the_same_text_on_every_face()
    {
        var whole = (
            await OpenAiClient()
                .CompleteChatAsync(
                    [new UserChatMessage(Prompt)],
                    new ChatCompletionOptions { MaxOutputTokenCount = 120 }
                )
        ).Value;
        var text = whole.Content[0].Text;
        Assert.Equal(120, whole.Usage.OutputTokenCount);

        var streamed = new StringBuilder();
        ChatTokenUsage? usage = null;
        ChatFinishReason? finish = null;
        await foreach (
            var update in OpenAiClient()
                .CompleteChatStreamingAsync(
                    [new UserChatMessage(Prompt)],
                    new ChatCompletionOptions { MaxOutputTokenCount = 120 }
                )
        )
        {
            foreach (var part in update.ContentUpdate)
                streamed.Append(part.Text);
            (usage, finish) = (update.Usage ?? usage, update.FinishReason ?? finish);
        }
        Assert.Equal(text, streamed.ToString());
        Assert.Equal((120, ChatFinishReason.Length), (usage!.OutputTokenCount, finish));

        var parameters = new MessageCreateParams
        {
            Model = "demo",
            MaxTokens = 120,
            Messages = [new UserMessageParam { Content = Prompt }],
        };
        var message = await AnthropicClient.Messages.Create(parameters);
        Assert.True(message.Content[0].TryPickText(out var block));
        Assert.Equal(text, block.Text);
        Assert.Equal(120, message.Usage.OutputTokens);
        var parts = new StringBuilder();
        await foreach (var e in AnthropicClient.Messages.CreateStreaming(parameters))
            if (e.TryPickContentBlockDelta(out var delta) && delta.Delta.TryPickText(out var piece))
                parts.Append(piece.Text);
        Assert.Equal(text, parts.ToString());

        await using var chat = await SseReader.OpenAsync(
            system.B.Url,
            "/sse/chat",
            method: HttpMethod.Post,
            body: LlmSystem.Ask(Prompt, maxTokens: 120)
        );
        await chat.WaitForEndAsync();
        Assert.Equal(text, LlmSystem.Text(chat.Events, "content"));
    }

    [Fact]
    public async Task The_vendors_streams_hold_the_vendors_frames_only()
    {
        await using var openAi = await PostAsync(
            "/v1/chat/completions",
            new
            {
                model = "demo",
                stream = true,
                max_tokens = 5,
                messages = new[] { new { role = "user", content = "hi" } },
            }
        );
        await openAi.WaitForEndAsync();
        Assert.All(openAi.Frames, f => Assert.Equal((null, null, null, null), (f.Id, f.Event, f.Retry, f.Comment)));
        Assert.Equal("[DONE]", openAi.Frames[^1].Data);
        await using var anthropic = await PostAsync(
            "/v1/messages",
            new
            {
                model = "demo",
                stream = true,
                max_tokens = 5,
                messages = new[] { new { role = "user", content = "hi" } },
            }
        );
        await anthropic.WaitForEndAsync();
        Assert.All(anthropic.Frames, f => Assert.Equal((null, null, null), (f.Id, f.Retry, f.Comment)));
        Assert.Equal(
            [
                "message_start",
                "ping",
                "content_block_start",
                "content_block_delta",
                "content_block_delta",
                "content_block_delta",
                "content_block_delta",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop",
            ],
            anthropic.Frames.Select(f => f.Event)
        );
        Assert.All(
            anthropic.Frames,
            f => Assert.Equal(f.Event, JsonDocument.Parse(f.Data!).RootElement.GetProperty("type").GetString())
        );
    }

    [Fact]
    public async Task Tools_go_through_and_their_results_come_back()
    {
        var tool = ChatTool.CreateFunctionTool(
            "get_weather",
            "Says the weather.",
            BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""")
        );
        var options = new ChatCompletionOptions { Tools = { tool } };
        var asked = (
            await OpenAiClient().CompleteChatAsync([new UserChatMessage("What is the weather in Paris now?")], options)
        ).Value;
        Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
        var call = Assert.Single(asked.ToolCalls);
        Assert.Equal(("get_weather", """{"city":"Paris"}"""), (call.FunctionName, call.FunctionArguments.ToString()));
        var answered = (
            await OpenAiClient()
                .CompleteChatAsync(
                    [
                        new UserChatMessage("What is the weather in Paris now?"),
                        new AssistantChatMessage(asked),
                        new ToolChatMessage(call.Id, "15 degrees"),
                    ],
                    options
                )
        ).Value;
        Assert.Contains("15 degrees", answered.Content[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_of_one_vendor_reaches_a_provider_of_the_other_with_its_tools()
    {
        JsonElement seen = default;
        var prompt = system.Upstream.On(async request =>
        {
            seen = request.Body;
            await request.StartAsync();
            await request.RawAsync(
                "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"look\",\"input\":{}}}\n\n"
            );
            foreach (var part in (string[])["{\"a\"", ": [1,", " 2]}"])
                await request.RawAsync(
                    $"data: {{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":{JsonSerializer.Serialize(part)}}}}}\n\n"
                );
            await request.RawAsync(
                "data: {\"type\":\"content_block_stop\",\"index\":1}\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":9}}\n\ndata: {\"type\":\"message_stop\"}\n\n"
            );
        });
        var tool = ChatTool.CreateFunctionTool(
            "look",
            "Looks.",
            BinaryData.FromString("""{"type":"object","properties":{"a":{"type":"array"}}}""")
        );
        var answer = (
            await OpenAiClient("claude-test")
                .CompleteChatAsync(
                    [new SystemChatMessage("be brief"), new UserChatMessage(prompt)],
                    new ChatCompletionOptions { Tools = { tool } }
                )
        ).Value;
        var call = Assert.Single(answer.ToolCalls);
        Assert.Equal(
            ("toolu_1", "look", """{"a": [1, 2]}"""),
            (call.Id, call.FunctionName, call.FunctionArguments.ToString())
        );
        Assert.Equal("be brief", seen.GetProperty("system").GetString());
        Assert.Equal(
            "array",
            seen.GetProperty("tools")[0]
                .GetProperty("input_schema")
                .GetProperty("properties")
                .GetProperty("a")
                .GetProperty("type")
                .GetString()
        );
    }

    [Fact]
    public async Task What_the_abstraction_has_no_word_for_reaches_a_provider_of_the_same_vendor()
    {
        JsonElement seen = default;
        var prompt = system.Upstream.On(async request =>
        {
            seen = request.Body;
            await request.StartAsync();
            await request.TokenAsync("ok");
            await request.EndAsync(1);
        });
        await using var reader = await PostAsync(
            "/v1/chat/completions",
            new
            {
                model = "gpt-4o",
                stream = true,
                logit_bias = new { a = 1 },
                messages = new[]
                {
                    new
                    {
                        role = "user",
                        name = "ann",
                        content = prompt,
                    },
                },
            }
        );
        await reader.WaitForEndAsync();
        Assert.Equal(1, seen.GetProperty("logit_bias").GetProperty("a").GetInt32());
        Assert.Equal("ann", seen.GetProperty("messages")[0].GetProperty("name").GetString());
    }

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
            new Uri(system.A.Url, path),
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
    public async Task What_is_not_here_is_told_in_the_vendors_shape(string method, string path, int status, string type)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(system.A.Url, path));
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
            new Uri(system.A.Url, path),
            new StringContent("model=demo", Encoding.UTF8, "application/x-www-form-urlencoded")
        );
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        await SaysAsync(response, isAnthropic: path != "/v1/chat/completions", "invalid_request_error");
    }

    [Fact]
    public async Task The_tokens_that_are_counted_are_those_that_the_answer_counts()
    {
        var messages = new[] { new { role = "user", content = Prompt } };
        using var counted = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(system.A.Url, "/v1/messages/count_tokens"),
            new
            {
                model = "demo",
                system = "be brief",
                messages,
            }
        );
        using var answered = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(system.A.Url, "/v1/messages"),
            new
            {
                model = "demo",
                max_tokens = 1,
                system = "be brief",
                messages,
            }
        );
        var count = (await counted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("input_tokens").GetInt64();
        Assert.True(count > 10, $"{count} tokens");
        Assert.Equal(
            (await answered.Content.ReadFromJsonAsync<JsonElement>())
                .GetProperty("usage")
                .GetProperty("input_tokens")
                .GetInt64(),
            count
        );
        using var other = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(system.A.Url, "/v1/messages/count_tokens"),
            new { model = "claude-x", messages }
        );
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        await SaysAsync(other, isAnthropic: true, "not_found_error");
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
        var prompt = system.Upstream.On(async request =>
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

    private static async Task SaysAsync(HttpResponseMessage response, bool isAnthropic, string type)
    {
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(isAnthropic, body.TryGetProperty("type", out var kind) && kind.GetString() == "error");
        Assert.Equal(type, body.GetProperty("error").GetProperty("type").GetString());
        Assert.NotEmpty(body.GetProperty("error").GetProperty("message").GetString()!);
        Assert.NotEmpty(response.Headers.GetValues(isAnthropic ? "request-id" : "x-request-id").Single());
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
        var prompt = system.Upstream.On(request => request.RefuseAsync(upstream, "no"));
        foreach (
            var (path, type) in ((string, string)[])
                [("/v1/chat/completions", openAiType), ("/v1/messages", anthropicType)]
        )
        {
            using var response = await LlmSystem.Http.PostAsJsonAsync(
                new Uri(system.A.Url, path),
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

    public static TheoryData<string, string, object> TooMuch()
    {
        var (openAi, anthropic) = ("/v1/chat/completions", "/v1/messages");
        object[] messages = [new { role = "user", content = "hi" }];
        string[] Stops(int count) => [.. Enumerable.Range(0, count).Select(i => $"s{i}")];
        object OpenAiTool(string name) => new { type = "function", function = new { name } };
        object AnthropicTool(string name) => new { name, input_schema = new { type = "object" } };
        return new()
        {
            {
                openAi,
                "stop",
                new
                {
                    model = "demo",
                    messages,
                    stop = Stops(5),
                }
            },
            {
                openAi,
                "stop",
                new
                {
                    model = "demo",
                    messages,
                    stop = Stops(350_000),
                }
            },
            {
                openAi,
                "stop",
                new
                {
                    model = "demo",
                    messages,
                    stop = new string('x', 257),
                }
            },
            {
                openAi,
                "stop",
                new
                {
                    model = "demo",
                    messages,
                    stop = new[] { new string('x', 257) },
                }
            },
            {
                openAi,
                "tools",
                new
                {
                    model = "demo",
                    messages,
                    tools = Enumerable.Range(0, 129).Select(i => OpenAiTool($"t{i}")),
                }
            },
            {
                openAi,
                "tools[0].function.name",
                new
                {
                    model = "demo",
                    messages,
                    tools = new[] { OpenAiTool(new string('x', 65)) },
                }
            },
            { openAi, "messages", new { model = "demo", messages = Enumerable.Repeat(messages[0], 2_049) } },
            {
                openAi,
                "messages[0].content",
                new
                {
                    model = "demo",
                    messages = new[]
                    {
                        new { role = "user", content = Enumerable.Repeat(new { type = "text", text = "" }, 2_049) },
                    },
                }
            },
            {
                openAi,
                "messages[0].role",
                new { model = "demo", messages = new[] { new { role = new string('x', 257), content = "hi" } } }
            },
            { openAi, "model", new { model = "demo/" + new string('x', 257), messages } },
            {
                openAi,
                "n",
                new
                {
                    model = "demo",
                    messages,
                    n = 2,
                }
            },
            {
                anthropic,
                "stop_sequences",
                new
                {
                    model = "demo",
                    max_tokens = 9,
                    messages,
                    stop_sequences = Stops(17),
                }
            },
            {
                anthropic,
                "stop_sequences",
                new
                {
                    model = "demo",
                    max_tokens = 9,
                    messages,
                    stop_sequences = Stops(350_000),
                }
            },
            {
                anthropic,
                "stop_sequences",
                new
                {
                    model = "demo",
                    max_tokens = 9,
                    messages,
                    stop_sequences = new[] { new string('x', 257) },
                }
            },
            {
                anthropic,
                "tools",
                new
                {
                    model = "demo",
                    max_tokens = 9,
                    messages,
                    tools = Enumerable.Range(0, 129).Select(i => AnthropicTool($"t{i}")),
                }
            },
            {
                anthropic,
                "tools.0.name",
                new
                {
                    model = "demo",
                    max_tokens = 9,
                    messages,
                    tools = new[] { AnthropicTool(new string('x', 129)) },
                }
            },
            {
                anthropic,
                "messages",
                new
                {
                    model = "demo",
                    max_tokens = 9,
                    messages = Enumerable.Repeat(messages[0], 2_049),
                }
            },
            {
                anthropic,
                "system",
                new
                {
                    model = "demo",
                    max_tokens = 9,
                    messages,
                    system = Enumerable.Repeat(new { type = "text", text = "" }, 2_049),
                }
            },
            {
                anthropic,
                "model",
                new
                {
                    model = "demo/" + new string('x', 257),
                    max_tokens = 9,
                    messages,
                }
            },
        };
    }

    [Theory]
    [MemberData(nameof(TooMuch), DisableDiscoveryEnumeration = true)]
    public async Task What_a_model_would_multiply_is_bounded_as_the_vendors_bound_it(
        string path,
        string field,
        object body
    )
    {
        using var response = await LlmSystem.PostAsync(system.A, path, body);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        await SaysAsync(response, isAnthropic: path == "/v1/messages", "invalid_request_error");
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains(field, text, StringComparison.Ordinal);
        Assert.True(text.Length < 1_000, $"{text.Length} characters"); // what was too long is not said again
    }

    private Task<SseReader> PostAsync(string path, object body) =>
        SseReader.OpenAsync(system.A.Url, path, method: HttpMethod.Post, body: JsonContent.Create(body));
}
