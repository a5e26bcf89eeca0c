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

/// <summary>The vendors' own clients, with another base address only.</summary>
public sealed class VendorApiTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private const string Prompt = "Please tell me in ten words or more what a durable stream is";

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

    [Fact]
    public async Task The_same_prompt_gives_the_same_text_in_every_api()
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
            usage = update.Usage ?? usage;
            finish = update.FinishReason ?? finish;
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
            shared.World.B.Url,
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
    public async Task Tools_and_their_results_are_passed_on()
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

        var prompt = shared.World.Upstream.On(async request =>
        {
            seen = request.Body;
            await request.StartAsync();
            await request.RawAsync(
                "data: {\"type\":\"content_block_start\",\"index\":1,"
                    + "\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"look\","
                    + "\"input\":{}}}\n\n"
            );
            foreach (var part in (string[])["{\"a\"", ": [1,", " 2]}"])
                await request.RawAsync(
                    "data: {\"type\":\"content_block_delta\",\"index\":1,"
                        + "\"delta\":{\"type\":\"input_json_delta\","
                        + $"\"partial_json\":{JsonSerializer.Serialize(part)}}}}}\n\n"
                );
            await request.RawAsync(
                "data: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
                    + "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},"
                    + "\"usage\":{\"output_tokens\":9}}\n\ndata: {\"type\":\"message_stop\"}\n\n"
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
    public async Task Options_unknown_to_the_abstraction_reach_a_provider_of_the_same_vendor()
    {
        JsonElement seen = default;

        var prompt = shared.World.Upstream.On(async request =>
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

    [Fact]
    public async Task Counting_tokens_gives_the_usage_of_the_answer()
    {
        var messages = new[] { new { role = "user", content = Prompt } };

        using var counted = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(shared.World.A.Url, "/v1/messages/count_tokens"),
            new
            {
                model = "demo",
                system = "be brief",
                messages,
            }
        );

        using var answered = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(shared.World.A.Url, "/v1/messages"),
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
            new Uri(shared.World.A.Url, "/v1/messages/count_tokens"),
            new { model = "claude-x", messages }
        );

        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);

        await VendorErrorTests.SaysAsync(other, isAnthropic: true, "not_found_error");
    }

    private Task<SseReader> PostAsync(string path, object body) =>
        SseReader.OpenAsync(shared.World.A.Url, path, method: HttpMethod.Post, body: JsonContent.Create(body));
}
