using System.Text;
using System.Text.Json;
using Anthropic.Models.Messages;
using Integration.Seeds;
using OpenAI.Chat;
using static Integration.Llm.VendorClients;

namespace Integration.Llm;

/// <summary>The vendors' own clients, with another base address only.</summary>
public sealed class VendorApiTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Prompt = "Please tell me in ten words or more what a durable stream is";

    [Fact]
    public async Task The_same_prompt_gives_the_same_text_in_every_api()
    {
        List<ChatMessage> question = [new UserChatMessage(Prompt)];
        var length = new ChatCompletionOptions { MaxOutputTokenCount = 120 };
        var whole = (await ForOpenAi(A).CompleteChatAsync(question, length)).Value;
        var text = whole.Content[0].Text;

        Assert.Equal(120, whole.Usage.OutputTokenCount);

        var streamed = new StringBuilder();
        ChatTokenUsage? usage = null;
        ChatFinishReason? finish = null;
        await foreach (var update in ForOpenAi(A).CompleteChatStreamingAsync(question, length))
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
        var message = await ForAnthropic(A).Messages.Create(parameters);
        Assert.True(message.Content[0].TryPickText(out var block));
        Assert.Equal((text, 120), (block.Text, message.Usage.OutputTokens));

        var parts = new StringBuilder();
        await foreach (var received in ForAnthropic(A).Messages.CreateStreaming(parameters))
            if (received.TryPickContentBlockDelta(out var delta) && delta.Delta.TryPickText(out var piece))
                parts.Append(piece.Text);

        Assert.Equal(text, parts.ToString());

        using var body = LlmSystem.Ask(Prompt, maxTokens: 120);
        await using var chat = await SseReader
            .OpenAsync(B.Url, "/sse/chat", method: HttpMethod.Post, body: body)
            .ToEndAsync();
        Assert.Equal(text, LlmSystem.Text(chat.Events, "content"));
    }

    [Fact]
    public async Task The_vendors_streams_hold_the_vendors_frames_only()
    {
        var question = new
        {
            model = "demo",
            stream = true,
            max_tokens = 5,
            messages = new[] { new { role = "user", content = "hi" } },
        };
        await using var openAi = await LlmSystem.OpenAsync(A, Completions, question).ToEndAsync();
        Assert.All(openAi.Frames, f => Assert.Equal((null, null, null, null), (f.Id, f.Event, f.Retry, f.Comment)));
        Assert.Equal("[DONE]", openAi.Frames[^1].Data);

        await using var anthropic = await LlmSystem.OpenAsync(A, Messages, question).ToEndAsync();
        Assert.All(anthropic.Frames, f => Assert.Equal((null, null, null), (f.Id, f.Retry, f.Comment)));
        Assert.Equal(
            [
                "message_start",
                "ping",
                "content_block_start",
                .. Enumerable.Repeat("content_block_delta", 5),
                "content_block_stop",
                "message_delta",
                "message_stop",
            ],
            anthropic.Frames.Select(f => f.Event)
        );
        Assert.All(anthropic.Frames, f => Assert.Equal(f.Event, f.Json().Text("type")));
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
        var question = new UserChatMessage("What is the weather in Paris now?");
        var asked = (await ForOpenAi(A).CompleteChatAsync([question], options)).Value;

        Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
        var call = Assert.Single(asked.ToolCalls);
        Assert.Equal(("get_weather", """{"city":"Paris"}"""), (call.FunctionName, call.FunctionArguments.ToString()));

        List<ChatMessage> said =
        [
            question,
            new AssistantChatMessage(asked),
            new ToolChatMessage(call.Id, "15 degrees"),
        ];
        var answered = (await ForOpenAi(A).CompleteChatAsync(said, options)).Value;
        Assert.Contains("15 degrees", answered.Content[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_of_one_vendor_reaches_a_provider_of_the_other_with_its_tools()
    {
        JsonElement seen = default;
        var prompt = Upstream.On(async request =>
        {
            seen = request.Body;
            await request.StartAsync();
            await request.EventsAsync(
                """{"type":"content_block_start","index":1,"content_block":"""
                    + """{"type":"tool_use","id":"toolu_1","name":"look","input":{}}}""",
                Part("{\"a\""),
                Part(": [1,"),
                Part(" 2]}"),
                """{"type":"content_block_stop","index":1}""",
                """{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}""",
                """{"type":"message_stop"}"""
            );
        });

        var tool = ChatTool.CreateFunctionTool(
            "look",
            "Looks.",
            BinaryData.FromString("""{"type":"object","properties":{"a":{"type":"array"}}}""")
        );

        List<ChatMessage> question = [new SystemChatMessage("be brief"), new UserChatMessage(prompt)];
        var options = new ChatCompletionOptions { Tools = { tool } };
        var answer = (await ForOpenAi(A, "claude-test").CompleteChatAsync(question, options)).Value;

        var call = Assert.Single(answer.ToolCalls);
        Assert.Equal(
            ("toolu_1", "look", """{"a": [1, 2]}"""),
            (call.Id, call.FunctionName, call.FunctionArguments.ToString())
        );
        Assert.Equal(("be brief", "array"), (seen.Text("system"), seen.Text("tools.0.input_schema.properties.a.type")));

        static string Part(string json) =>
            """{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"""
            + JsonSerializer.Serialize(json)
            + "}}";
    }

    [Fact]
    public async Task Counting_tokens_gives_the_usage_of_the_answer()
    {
        var question = new
        {
            model = "demo",
            max_tokens = 1,
            system = "be brief",
            messages = new[] { new { role = "user", content = Prompt } },
        };
        var counted = await LlmSystem.AnswerAsync(A, "/v1/messages/count_tokens", question);
        var answered = await LlmSystem.AnswerAsync(A, Messages, question);

        var count = counted.Number("input_tokens");
        Assert.True(count > 10, $"{count} tokens");
        Assert.Equal(answered.Number("usage.input_tokens"), count);
    }
}
