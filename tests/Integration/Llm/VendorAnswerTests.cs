using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Members of a provider's answer that decide how a client goes on with it.</summary>
public sealed class VendorAnswerTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private const string OpenAi = "/v1/chat/completions",
        Anthropic = "/v1/messages";

    private const string MessageStart =
        """{"type":"message_start","message":{"id":"msg_1","model":"fake","usage":{"input_tokens":12,"""
        + """ "cache_read_input_tokens":100000,"cache_creation_input_tokens":500,"output_tokens":1}}}""";

    [Theory]
    [InlineData("gpt-4o")]
    [InlineData("claude-test")]
    public async Task A_tool_call_that_the_limit_has_cut_does_not_look_complete(string model)
    {
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.BeginAsync();
            await request.EventsAsync(
                request.Anthropic
                    ?
                    [
                        MessageStart,
                        """{"type":"content_block_start","index":0,"content_block":"""
                            + """{"type":"tool_use","id":"t1","name":"rm","input":{}}}""",
                        """{"type":"content_block_delta","index":0,"delta":"""
                            + """{"type":"input_json_delta","partial_json":"{\"a\": [1,"}}""",
                        """{"type":"content_block_stop","index":0}""",
                        """{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9}}""",
                        """{"type":"message_stop"}""",
                    ]
                    :
                    [
                        """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t1","""
                            + """ "function":{"name":"rm","arguments":"{\"a\": [1,"}}]}}]}""",
                        """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}""",
                        "[DONE]",
                    ]
            );
        });

        var whole = await WholeAsync(Anthropic, model, prompt);
        Assert.Equal("max_tokens", whole.GetProperty("stop_reason").GetString());
        Assert.Equal("{\"a\": [1,", whole.GetProperty("content")[0].GetProperty("input").GetString());

        var frames = await FramesAsync(Anthropic, model, prompt);
        Assert.Equal(
            "max_tokens",
            frames
                .Single(f => f.Event == "message_delta")
                .Json()
                .GetProperty("delta")
                .GetProperty("stop_reason")
                .GetString()
        );

        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, model == "gpt-4o" ? "openai" : "anthropic");
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        Assert.Equal(
            "{\"a\": [1,",
            reader.Events.Single(e => e.Event == "tool_use").Json().GetProperty("input").GetString()
        );
    }

    [Fact]
    public async Task Tokens_of_the_providers_cache_are_counted()
    {
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.BeginAsync();
            await request.EventsAsync(
                request.Anthropic
                    ?
                    [
                        MessageStart,
                        """{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}""",
                        """{"type":"message_stop"}""",
                    ]
                    :
                    [
                        """{"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}""",
                        """{"id":"c","choices":[],"usage":{"prompt_tokens":100512,"completion_tokens":9,"""
                            + """ "prompt_tokens_details":{"cached_tokens":100000}}}""",
                        "[DONE]",
                    ]
            );
        });

        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, "anthropic");
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        Assert.Equal(100_512, reader.Events.Last().Json().GetProperty("usage").GetProperty("inputTokens").GetInt64());

        foreach (
            var (path, model, input, cached) in ((string, string, string, string)[])
                [
                    (Anthropic, "claude-test", "input_tokens:12", "cache_read_input_tokens"),
                    (Anthropic, "gpt-4o", "input_tokens:512", "cache_read_input_tokens"),
                    (OpenAi, "claude-test", "prompt_tokens:100512", "prompt_tokens_details"),
                    (OpenAi, "gpt-4o", "prompt_tokens:100512", "prompt_tokens_details"),
                ]
        )
        {
            var usage = (await WholeAsync(path, model, prompt)).GetProperty("usage");
            var name = input.Split(':')[0];
            Assert.Equal(input, $"{name}:{usage.GetProperty(name).GetInt64()}");
            var count = usage.GetProperty(cached);
            Assert.Equal(
                100_000,
                (count.ValueKind == JsonValueKind.Object ? count.GetProperty("cached_tokens") : count).GetInt64()
            );
        }
    }

    [Theory]
    [InlineData("openai", "gpt-4o", OpenAi)]
    [InlineData("anthropic", "claude-test", Anthropic)]
    public async Task A_surrogate_pair_that_the_provider_cuts_is_joined(string provider, string model, string path)
    {
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.RawAsync(
                string.Concat(
                    ((string[])[@"a \\ud83d \ud83d", @"\ude00 b", @" \ud83d\ude00 \ude00."]).Select(escaped =>
                        request.Token("TEXT").Replace("TEXT", escaped, StringComparison.Ordinal)
                    )
                )
            );
            await request.EndAsync(3);
        });

        const string text = @"a \ud83d 😀 b 😀 " + "\ufffd.";
        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, provider);
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        Assert.Equal("done", reader.Events.Last().Event);
        Assert.Equal(text, LlmSystem.Text(reader.Events, "text"));

        var whole = await WholeAsync(path, model, prompt);
        Assert.Equal(
            text,
            path == OpenAi
                ? whole.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()
                : whole.GetProperty("content")[0].GetProperty("text").GetString()
        );
        Assert.DoesNotContain(
            await FramesAsync(path, model, prompt),
            f => f.Data!.Contains("\"error\"", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData(Anthropic, "claude-test", "overloaded_error")]
    [InlineData(OpenAi, "gpt-4o", "server_error")]
    public async Task A_refusal_in_the_first_event_is_retried_and_then_named(string path, string model, string type)
    {
        const string overloaded = """{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""";
        var once = shared.World.Upstream.On(async request =>
        {
            if (request.Attempt > 1)
                await request.StartAsync();
            else
            {
                await request.BeginAsync();
                await request.EventsAsync(overloaded);
                return;
            }
            await request.TokenAsync("ok");
            await request.EndAsync(1);
        });
        await WholeAsync(path, model, once);
        Assert.Equal(2, shared.World.Upstream.Attempts(once));

        var always = shared.World.Upstream.On(async request =>
        {
            await request.BeginAsync();
            await request.EventsAsync(overloaded);
        });
        using var refused = await AskAsync(path, model, always);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        await VendorErrorTests.SaysAsync(refused, isAnthropic: path == Anthropic, type);
        Assert.Equal(3, shared.World.Upstream.Attempts(always));
        Assert.Equal(["false"], refused.Headers.GetValues("x-should-retry"));
        Assert.NotNull(refused.Headers.RetryAfter?.Delta);

        // The gateway has not retried this one, so the client may.
        var broken = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half");
            await request.EventsAsync(overloaded);
        });
        using var half = await AskAsync(path, model, broken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, half.StatusCode);
        Assert.False(half.Headers.Contains("x-should-retry"));
        Assert.Equal(1, shared.World.Upstream.Attempts(broken));
    }

    private async Task<JsonElement> WholeAsync(string path, string model, string prompt)
    {
        using var response = await AskAsync(path, model, prompt);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    private Task<HttpResponseMessage> AskAsync(string path, string model, string prompt) =>
        LlmSystem.PostAsync(shared.World.A, path, Body(model, prompt, stream: false));

    private async Task<IReadOnlyList<Frame>> FramesAsync(string path, string model, string prompt)
    {
        await using var reader = await SseReader.OpenAsync(
            shared.World.A.Url,
            path,
            method: HttpMethod.Post,
            body: JsonContent.Create(Body(model, prompt, stream: true))
        );
        await reader.WaitForEndAsync();
        return [.. reader.Frames.Where(f => f.Data is not null)];
    }

    private static object Body(string model, string prompt, bool stream) =>
        new
        {
            model,
            stream,
            max_tokens = 9,
            messages = new[] { new { role = "user", content = prompt } },
        };
}
