using System.Net;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Members of a provider's answer that decide how a client goes on with it.</summary>
public sealed class VendorAnswerTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string MessageStart =
        """{"type":"message_start","message":{"id":"msg_1","model":"fake","usage":{"input_tokens":12,"""
        + """ "cache_read_input_tokens":100000,"cache_creation_input_tokens":500,"output_tokens":1}}}""";

    [Theory]
    [InlineData("openai", "gpt-4o")]
    [InlineData("anthropic", "claude-test")]
    public async Task A_tool_call_that_the_limit_has_cut_does_not_look_complete(string provider, string model)
    {
        var prompt = Answering(
            anthropic:
            [
                MessageStart,
                """{"type":"content_block_start","index":0,"content_block":"""
                    + """{"type":"tool_use","id":"t1","name":"rm","input":{}}}""",
                """{"type":"content_block_delta","index":0,"delta":"""
                    + """{"type":"input_json_delta","partial_json":"{\"a\": [1,"}}""",
                """{"type":"content_block_stop","index":0}""",
                """{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9}}""",
                """{"type":"message_stop"}""",
            ],
            openAi:
            [
                """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t1","""
                    + """ "function":{"name":"rm","arguments":"{\"a\": [1,"}}]}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}""",
                "[DONE]",
            ]
        );

        var whole = await WholeAsync(Messages, model, prompt);
        Assert.Equal(("max_tokens", "{\"a\": [1,"), (whole.Text("stop_reason"), whole.Text("content.0.input")));

        await using var stream = await StreamAsync(Messages, model, prompt);
        var end = stream.Frames.Single(f => f.Event == "message_delta").Json();
        Assert.Equal("max_tokens", end.Text("delta.stop_reason"));

        var id = await LlmSystem.GenerateAsync(A, prompt, provider);
        await using var reader = await LlmSystem.ReadAsync(A, id);
        Assert.Equal("{\"a\": [1,", reader.Events.Single(e => e.Event == "tool_use").Json().Text("input"));
    }

    [Fact]
    public async Task Tokens_of_the_providers_cache_are_counted()
    {
        var prompt = Answering(
            anthropic:
            [
                MessageStart,
                """{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}""",
                """{"type":"message_stop"}""",
            ],
            openAi:
            [
                """{"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}""",
                """{"id":"c","choices":[],"usage":{"prompt_tokens":100512,"completion_tokens":9,"""
                    + """ "prompt_tokens_details":{"cached_tokens":100000}}}""",
                "[DONE]",
            ]
        );

        var id = await LlmSystem.GenerateAsync(A, prompt, "anthropic");
        await using var reader = await LlmSystem.ReadAsync(A, id);
        Assert.Equal(100_512, reader.Events.Last().Json().Number("usage.inputTokens"));

        foreach (var (model, input) in ((string, int)[])[("claude-test", 12), ("gpt-4o", 512)])
        {
            var message = (await WholeAsync(Messages, model, prompt)).At("usage");
            Assert.Equal((input, 100_000), (message.Number("input_tokens"), message.Number("cache_read_input_tokens")));

            var completion = (await WholeAsync(Completions, model, prompt)).At("usage");
            Assert.Equal(
                (100_512, 100_000),
                (completion.Number("prompt_tokens"), completion.Number("prompt_tokens_details.cached_tokens"))
            );
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}""")]
    public async Task Without_the_providers_usage_there_is_an_estimate(string usage)
    {
        var prompt = Answering(
            anthropic:
            [
                """{"type":"message_start","message":{"id":"msg_1","model":"fake"}}""",
                """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one two "}}""",
                """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""",
                """{"type":"message_stop"}""",
            ],
            openAi:
            [
                """{"id":"c","choices":[{"index":0,"delta":{"content":"one two "},"finish_reason":"stop"}]}""",
                """{"id":"c","choices":[],"usage":USAGE}""".Replace("USAGE", usage, StringComparison.Ordinal),
                "[DONE]",
            ]
        );

        foreach (var model in (string[])["claude-test", "gpt-4o"])
        {
            var message = (await WholeAsync(Messages, model, prompt)).At("usage");
            Assert.Equal((2, 2), (message.Number("input_tokens"), message.Number("output_tokens")));
            var completion = (await WholeAsync(Completions, model, prompt)).At("usage");
            Assert.Equal(
                (2, 2, 4),
                (
                    completion.Number("prompt_tokens"),
                    completion.Number("completion_tokens"),
                    completion.Number("total_tokens")
                )
            );
        }

        var id = await LlmSystem.GenerateAsync(A, prompt, "openai");
        await using var reader = await LlmSystem.ReadAsync(A, id);
        var done = reader.Events.Last().Json();
        Assert.Equal((2, 2), (done.Number("usage.inputTokens"), done.Number("usage.outputTokens")));
    }

    [Fact]
    public async Task A_chunk_for_a_client_of_its_own_vendor_is_passed_on_with_members_that_the_gateway_does_not_know()
    {
        var prompt = Answering(
            anthropic: [],
            openAi:
            [
                """{"id":"c","model":"fake","system_fingerprint":"fp","choices":[{"index":0,"delta":"""
                    + """{"content":"x","extra":"e"},"content_filter_results":{"hate":"no"}}],"usage":null}""",
                """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"length","stop_reason":7}]}""",
                """{"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1,"cost":0.5}}""",
                "[DONE]",
            ]
        );

        var question = new
        {
            model = "gpt-4o",
            stream = true,
            stream_options = new { include_usage = true },
            messages = new[] { new { role = "user", content = prompt } },
        };

        await using var stream = await LlmSystem.OpenAsync(A, Completions, question).ToEndAsync();
        Assert.Equal("[DONE]", stream.Frames[^1].Data);
        var chunks = stream.Frames.SkipLast(1).Select(f => f.Json()).ToList();
        var id = Assert.Single(chunks.Select(c => c.Text("id")).Distinct());

        Assert.StartsWith("chatcmpl-", id, StringComparison.Ordinal);
        Assert.Equal(
            ("assistant", "fp", "x", "e", "no"),
            (
                chunks[0].Text("choices.0.delta.role"),
                chunks[1].Text("system_fingerprint"),
                chunks[1].Text("choices.0.delta.content"),
                chunks[1].Text("choices.0.delta.extra"),
                chunks[1].Text("choices.0.content_filter_results.hate")
            )
        );

        Assert.Equal(
            ("length", 7),
            (chunks[2].Text("choices.0.finish_reason"), chunks[2].Number("choices.0.stop_reason"))
        );
        Assert.Equal((4, 5), (chunks.Count, chunks[3].Number("usage.prompt_tokens")));
        Assert.True(chunks[3].At("usage").TryGetProperty("cost", out _));

        var whole = await WholeAsync(Completions, "gpt-4o", prompt);
        Assert.Equal(
            ("fp", "x", "e", "length", 7, 5),
            (
                whole.Text("system_fingerprint"),
                whole.Text("choices.0.message.content"),
                whole.Text("choices.0.message.extra"),
                whole.Text("choices.0.finish_reason"),
                whole.Number("choices.0.stop_reason"),
                whole.Number("usage.prompt_tokens")
            )
        );
    }

    [Theory]
    [InlineData("openai", "gpt-4o", Completions, "choices.0.message.content")]
    [InlineData("anthropic", "claude-test", Messages, "content.0.text")]
    public async Task A_surrogate_pair_that_the_provider_cuts_is_joined(
        string provider,
        string model,
        string path,
        string member
    )
    {
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            foreach (var escaped in (string[])[@"a \\ud83d \ud83d", @"\ude00 b", @" \ud83d\ude00 \ude00."])
                await request.RawAsync(request.Token("TEXT").Replace("TEXT", escaped, StringComparison.Ordinal));
            await request.EndAsync(3);
        });

        const string text = @"a \ud83d 😀 b 😀 " + "\ufffd.";
        var id = await LlmSystem.GenerateAsync(A, prompt, provider);
        await using var reader = await LlmSystem.ReadAsync(A, id);

        Assert.Equal(("done", text), (reader.Events.Last().Event, LlmSystem.Text(reader.Events, "text")));

        Assert.Equal(text, (await WholeAsync(path, model, prompt)).Text(member));
        await using var stream = await StreamAsync(path, model, prompt);
        Assert.DoesNotContain(stream.Events, f => f.Data!.Contains("\"error\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Messages, "claude-test", "overloaded_error")]
    [InlineData(Completions, "gpt-4o", "server_error")]
    public async Task A_refusal_in_the_first_event_is_retried_and_then_named(string path, string model, string type)
    {
        const string overloaded = """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""";
        var once = Upstream.On(request =>
            request.Attempt > 1 ? request.SayAsync("ok") : request.EventsAsync(overloaded)
        );
        await WholeAsync(path, model, once);
        Assert.Equal(2, Upstream.Attempts(once));

        var always = Upstream.On(request => request.EventsAsync(overloaded));
        using var refused = await AskAsync(path, model, always);
        await VendorErrorTests.IsRefusedAsync(refused, path, HttpStatusCode.ServiceUnavailable, type);
        Assert.Equal(3, Upstream.Attempts(always));
        Assert.Equal(["false"], refused.Headers.GetValues("x-should-retry"));
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);

        // The gateway has not retried this one, so the client may.
        var broken = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half");
            await request.EventsAsync(overloaded);
        });
        using var half = await AskAsync(path, model, broken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, half.StatusCode);
        Assert.False(half.Headers.Contains("x-should-retry"));
        Assert.Equal(1, Upstream.Attempts(broken));
    }

    private string Answering(string[] anthropic, string[] openAi) =>
        Upstream.On(request => request.EventsAsync(request.Anthropic ? anthropic : openAi));

    private Task<JsonElement> WholeAsync(string path, string model, string prompt) =>
        LlmSystem.AnswerAsync(A, path, LlmSystem.VendorQuestion(prompt, model, stream: false));

    private Task<HttpResponseMessage> AskAsync(string path, string model, string prompt) =>
        LlmSystem.PostAsync(A, path, LlmSystem.VendorQuestion(prompt, model, stream: false));

    private Task<SseReader> StreamAsync(string path, string model, string prompt) =>
        LlmSystem.OpenAsync(A, path, LlmSystem.VendorQuestion(prompt, model)).ToEndAsync();
}
