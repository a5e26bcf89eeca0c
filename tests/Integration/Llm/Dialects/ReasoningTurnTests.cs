using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>A model's reasoning, and what only its provider can read of a call, in the next request. DeepSeek, Gemini
/// and Anthropic refuse calls without them; other providers do not get them.</summary>
public sealed class ReasoningTurnTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Thought = "I must pay.",
        Signed = "c2lnbmVk",
        Maker = "local/llama",
        Other = "openai/gpt-4o",
        Result = """{"type":"function_call_output","call_id":"call_1","output":"paid"}""";

    [Theory]
    [InlineData(Maker)]
    [InlineData(Other)]
    public async Task The_next_response_of_a_conversation_has_them(string model)
    {
        var first = await LlmSystem.AnswerAsync(A, "/v1/responses", Question(Thinking()));
        var seen = await NextAsync(model, first);
        AssertGivenBack(seen, model);
    }

    /// <summary>As clients do that keep the conversation themselves.</summary>
    [Theory]
    [InlineData(Maker)]
    [InlineData(Other)]
    public async Task Output_items_that_come_back_as_input_have_them(string model)
    {
        var prompt = Thinking();
        var first = await LlmSystem.AnswerAsync(A, "/v1/responses", Question(prompt));
        var items = first.At("output").GetRawText()[1..^1];
        var seen = await SeenAsync(next =>
            LlmSystem.AnswerAsync(
                B,
                "/v1/responses",
                Body($$"""{"model":"{{model}}","input":[{{User(prompt)}},{{items}},{{Result}},{{User(next)}}]}""")
            )
        );
        AssertGivenBack(seen, model);
    }

    [Theory]
    [InlineData(Maker)]
    [InlineData(Other)]
    [InlineData("claude-x")]
    public async Task Thinking_that_comes_back_in_Anthropics_API_has_them(string model)
    {
        var prompt = Thinking();
        var first = await LlmSystem.AnswerAsync(A, Messages, LlmSystem.VendorQuestion(prompt, Maker, stream: false));
        Assert.Equal(Thought, first.Text("content.0.thinking"));
        var seen = await SeenAsync(next =>
            LlmSystem.AnswerAsync(
                B,
                Messages,
                Body(
                    $$$"""
                    {"model":"{{{model}}}","max_tokens":9,"messages":[{{{User(prompt)}}},
                    {"role":"assistant","content":{{{first.At("content").GetRawText()}}}},
                    {"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"paid"}]},
                    {{{User(next)}}}]}
                    """
                )
            )
        );
        AssertGivenBack(seen, model);
    }

    /// <summary>The parts as AI SDK makes them of the chunks.</summary>
    [Theory]
    [InlineData(Maker)]
    [InlineData(Other)]
    public async Task The_parts_of_a_page_have_them(string model)
    {
        var prompt = Thinking();
        var chat = Guid.NewGuid().ToString();
        await using var page = await LlmSystem
            .OpenAsync(A, "/api/chat", Chat(chat, Maker, Said("u1", prompt)))
            .ToEndAsync();
        var end = page.Events.Single(e => e.Data!.Contains("reasoning-end", StringComparison.Ordinal)).Json();
        var parts = $$$"""
            {"type":"reasoning","text":"{{{Thought}}}","state":"done",
            "providerMetadata":{{{end.At("providerMetadata").GetRawText()}}}},
            {"type":"tool-pay","toolCallId":"call_1","state":"output-available","input":{},"output":"paid"}
            """;

        var seen = await SeenAsync(async next =>
        {
            var answer = $$"""{"id":"a1","role":"assistant","parts":[{{parts}}]}""";
            var body = Chat(chat, model, Said("u1", prompt), answer, Said("u2", next));
            await using var second = await LlmSystem.OpenAsync(B, "/api/chat", body).ToEndAsync();
        });
        AssertGivenBack(seen, model);
    }

    [Theory]
    [InlineData(Maker)]
    [InlineData(Other)]
    public async Task The_messages_of_an_AG_UI_agent_have_them(string model)
    {
        var prompt = Thinking();
        var thread = Guid.NewGuid().ToString();
        await using var run = await LlmSystem
            .OpenAsync(A, "/agents/ag-ui", Run(thread, "r1", Maker, Asked("u1", prompt)))
            .ToEndAsync();
        var value = run.Events.Single(e => e.Data!.Contains("ENCRYPTED_VALUE", StringComparison.Ordinal)).Json();

        var seen = await SeenAsync(async next =>
        {
            var body = Run(
                thread,
                "r2",
                model,
                Asked("u1", prompt),
                $$"""
                {"id":"{{value.Text("entityId")}}","role":"reasoning","content":"{{Thought}}",
                "encryptedValue":{{value.At("encryptedValue").GetRawText()}}}
                """,
                """
                {"id":"a1","role":"assistant","toolCalls":[{"id":"call_1","type":"function",
                "function":{"name":"pay","arguments":"{}"}}]}
                """,
                """{"id":"t1","role":"tool","toolCallId":"call_1","content":"paid"}""",
                Asked("u2", next)
            );
            await using var second = await LlmSystem.OpenAsync(B, "/agents/ag-ui", body).ToEndAsync();
        });
        AssertGivenBack(seen, model);
    }

    /// <summary>An agent's tool is one of the server's, here <c>calculate</c>.</summary>
    [Fact]
    public async Task The_rounds_of_an_agent_and_the_later_turns_of_its_session_have_them()
    {
        var round = new TaskCompletionSource<JsonElement>();
        var prompt = Upstream.On(async request =>
        {
            if (request.Attempt == 1)
            {
                await ThinkAsync(request, "calculate", """{\"expression\":\"1+1\"}""");
                return;
            }

            round.TrySetResult(request.Body);
            await request.SayAsync("two");
        });
        var session = await LlmSystem.SessionAsync(A, "local");
        await using var reader = await SseReader.OpenAsync(B.Url, $"/stream/{session}");
        await LlmSystem.SendAsync(A, session, prompt);
        await LlmSystem.AnsweredAsync(reader);
        AssertGivenBack(await round.Task, Maker);
        Assert.Equal("2", (await round.Task).At("messages").EnumerateArray().Last().Text("content"));

        AssertGivenBack(await SeenAsync(next => LlmSystem.SendAsync(B, session, next)), Maker);
        var state = await SeedRequests.GetAsync(B.Url, $"/session/{session}");
        foreach (var shown in (string[])[state.GetRawText(), .. reader.Events.Select(e => e.Data!)])
        {
            Assert.DoesNotContain(Thought, shown, StringComparison.Ordinal);
            Assert.DoesNotContain(Signed, shown, StringComparison.Ordinal);
        }
    }

    /// <summary>As the model made them: it would otherwise have thought once for each call.</summary>
    [Fact]
    public async Task The_calls_of_one_round_of_a_session_come_back_together_with_their_reasoning_once()
    {
        const string Call =
            """{"index":I,"id":"call_I","type":"function","function":{"name":"calculate","""
            + """ "arguments":"{\"expression\":\"1+I\"}"}}""";
        var prompt = Upstream.On(request =>
            request.Attempt > 1
                ? request.SayAsync("two")
                : request.EventsAsync(
                    $$$"""{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"{{{Thought}}}"}}]}""",
                    $$$"""{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{{{Call.Replace("I", "0")}}}]}}]}""",
                    $$$"""{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{{{Call.Replace("I", "1")}}}]}}]}""",
                    """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
                    "[DONE]"
                )
        );
        var session = await LlmSystem.SessionAsync(A, "local");
        await using var reader = await SseReader.OpenAsync(B.Url, $"/stream/{session}");
        await LlmSystem.SendAsync(A, session, prompt);
        await LlmSystem.AnsweredAsync(reader);

        var seen = await SeenAsync(next => LlmSystem.SendAsync(B, session, next));
        var messages = seen.At("messages").EnumerateArray().TakeLast(6).ToList();
        Assert.Equal(
            ["user", "assistant", "tool", "tool", "assistant", "user"],
            messages.Select(message => message.Text("role"))
        );
        Assert.Equal((Thought, 2), (messages[1].Text("reasoning_content"), messages[1].Items("tool_calls").Count()));
        Assert.Equal(["call_0", "call_1"], messages[2..4].Select(message => message.Text("tool_call_id")));
        Assert.Single(messages, message => message.TryGetProperty("reasoning_content", out _));
    }

    /// <summary>Anthropic takes thinking only with its signature.</summary>
    [Theory]
    [InlineData("claude-x", true)]
    [InlineData(Maker, false)]
    public async Task Anthropics_thinking_comes_back_with_its_signature(string model, bool isMaker)
    {
        var prompt = Upstream.On(request =>
            request.EventsAsync(
                """{"type":"message_start","message":{"id":"m","model":"fake","usage":{"input_tokens":7}}}""",
                """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}""",
                $$$"""
                {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"{{{Thought}}}"}}
                """,
                $$$"""
                {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"{{{Signed}}}"}}
                """,
                """{"type":"content_block_stop","index":0}""",
                // Thinking that Anthropic hides.
                """
                {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"aGlkZGVu"}}
                """,
                """{"type":"content_block_stop","index":1}""",
                """
                {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_1","name":"pay",
                "input":{"x":1}}}
                """.ReplaceLineEndings(""),
                """{"type":"content_block_stop","index":2}""",
                """{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}""",
                """{"type":"message_stop"}"""
            )
        );
        var first = await LlmSystem.AnswerAsync(A, "/v1/responses", Question(prompt, "claude-x"));
        var seen = await NextAsync(model, first);

        var text = seen.GetRawText();
        Assert.Equal(isMaker, text.Contains(Thought, StringComparison.Ordinal));
        Assert.Equal(isMaker, text.Contains("aGlkZGVu", StringComparison.Ordinal));
        if (isMaker)
            Assert.Equal(
                $$"""{"type":"thinking","thinking":"{{Thought}}","signature":"{{Signed}}"}""",
                seen.At("messages.1.content.0").GetRawText()
            );
    }

    /// <summary>Returns what the provider gets of the response after another one.</summary>
    private Task<JsonElement> NextAsync(string model, JsonElement first) =>
        SeenAsync(next =>
        {
            var input = $"[{Result},{User(next)}]";
            var body = Body(
                $$"""{"model":"{{model}}","previous_response_id":"{{first.Text("id")}}","input":{{input}}}"""
            );
            return LlmSystem.AnswerAsync(B, "/v1/responses", body);
        });

    private static void AssertGivenBack(JsonElement seen, string model)
    {
        var text = seen.GetRawText();
        Assert.Contains("call_1", text, StringComparison.Ordinal);
        if (model != Maker)
        {
            Assert.DoesNotContain(Thought, text, StringComparison.Ordinal);
            Assert.DoesNotContain(Signed, text, StringComparison.Ordinal);
            return;
        }

        var said = seen.At("messages").EnumerateArray().First(m => m.TryGetProperty("tool_calls", out _));
        Assert.Equal(Thought, said.Text("reasoning_content"));
        Assert.Equal(Signed, said.Text("tool_calls.0.extra_content.google.thought_signature"));
    }

    /// <summary>Returns the prompt of an answer that reasons and then calls <c>pay</c>.</summary>
    private string Thinking() => Upstream.On(request => ThinkAsync(request, "pay", "{}"));

    private static Task ThinkAsync(UpstreamRequest request, string tool, string arguments) =>
        request.EventsAsync(
            $$$"""{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"{{{Thought}}}"}}]}""",
            """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","""
                + $$$""" "function":{"name":"{{{tool}}}","arguments":"{{{arguments}}}"},"""
                + $$$""" "extra_content":{"google":{"thought_signature":"{{{Signed}}}"""
                + """ "}}}]}}]}""".TrimStart(),
            """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
            "[DONE]"
        );

    /// <summary>Returns the body that the provider gets of a request with a new prompt.</summary>
    private async Task<JsonElement> SeenAsync(Func<string, Task> askAsync)
    {
        var seen = new TaskCompletionSource<JsonElement>();
        var next = Upstream.On(request =>
        {
            seen.TrySetResult(request.Body);
            return request.SayAsync("yes");
        });
        await askAsync(next);
        return await seen.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop);
    }

    private static JsonElement Body(string json) => JsonElement.Parse(json);

    private static object Question(string prompt, string model = Maker) => new { model, input = prompt };

    private static string User(string text) => $$"""{"role":"user","content":"{{text}}"}""";

    private static string Asked(string id, string text) => $$"""{"id":"{{id}}","role":"user","content":"{{text}}"}""";

    private static string Said(string id, string text) =>
        $$"""{"id":"{{id}}","role":"user","parts":[{"type":"text","text":"{{text}}"}]}""";

    private static JsonElement Chat(string id, string model, params string[] messages) =>
        Body($$"""{"id":"{{id}}","model":"{{model}}","messages":[{{string.Join(',', messages)}}]}""");

    private static JsonElement Run(string thread, string run, string model, params string[] messages) =>
        Body(
            $$$"""
            {"threadId":"{{{thread}}}","runId":"{{{run}}}","forwardedProps":{"model":"{{{model}}}"},
            "messages":[{{{string.Join(',', messages)}}}]}
            """
        );
}
