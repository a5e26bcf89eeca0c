using System.Text;
using System.Text.Json;
using Integration.Seeds;
using static Integration.Llm.VendorClients;

namespace Integration.Llm;

/// <summary>Requests reach their own vendor as they are, and another one translated.</summary>
public sealed class VendorRequestTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Function = """ "tools":[{"type":"function","function":{"name":"f"}}]""",
        Tool = """ "tools":[{"name":"f","input_schema":{"type":"object"}}]""",
        Open = """{"type":"object","properties":{"a":{"type":"number"}}}""",
        Schema =
            """{"type":"object","properties":{"a":{"type":"number"}},"required":["a"],"additionalProperties":false}""";

    [Theory]
    [InlineData(Messages, "claude-x", DocumentResult)]
    [InlineData(Messages, "claude-x", ImageResult)]
    [InlineData(Messages, "claude-x", ImageFile)]
    [InlineData(Completions, "gpt-4o", FileResult)]
    [InlineData(Completions, "gpt-4o", OldCall)]
    [InlineData(Completions, "gpt-4o", Spoken)]
    public async Task A_message_that_only_its_own_vendor_takes_reaches_it_unchanged(
        string path,
        string model,
        string message
    )
    {
        var seen = await SeenAsync(path, model, """ "stream":false""", message);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(message), seen.At("messages.1")));
    }

    [Fact]
    public async Task Options_unknown_to_the_abstraction_reach_a_provider_of_the_same_vendor()
    {
        const string ann = """{"role":"user","name":"ann","content":"x"}""";
        var seen = await SeenAsync(Completions, "gpt-4o", """ "stream":true,"logit_bias":{"a":1}""", ann);
        Assert.Equal((1, "ann"), (seen.Number("logit_bias.a"), seen.Text("messages.1.name")));
    }

    [Theory]
    [InlineData(Completions, """ "response_format":{"type":"text"},"logprobs":false,"seed":7""")]
    [InlineData(Messages, """ "thinking":{"type":"enabled","budget_tokens":1024}""")]
    [InlineData(Messages, """ "thread":{"type":"create"}""")]
    public Task A_hint_and_a_default_are_accepted_for_every_model(string path, string member) =>
        AnswerAsync(path, "demo", "hi", member, message: null);

    [Theory]
    [InlineData(Completions, "claude-x", Function + """ ,"parallel_tool_calls":false""")]
    [InlineData(Messages, "gpt-4o", Tool + """ ,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}""")]
    public async Task The_wish_for_one_tool_call_at_a_time_reaches_the_other_vendor(
        string path,
        string model,
        string member
    )
    {
        var seen = await SeenAsync(path, model, member);
        if (path == Completions)
            Assert.True(seen.At("tool_choice.disable_parallel_tool_use").GetBoolean());
        else
            Assert.False(seen.At("parallel_tool_calls").GetBoolean());
    }

    [Theory]
    [InlineData(Messages, "gpt-4o", """ "output_config":{"effort":"low","format":{"type":"json_schema","schema":S}}""")]
    [InlineData(Messages, "llama", """ "output_format":{"type":"json_schema","schema":S}""")]
    [InlineData(
        "/v1/generations",
        "llama",
        """ "response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":S,"strict":true}}"""
    )]
    public async Task The_schema_of_an_answer_reaches_an_openai_compatible_provider(
        string path,
        string model,
        string member
    )
    {
        var seen = await SeenAsync(path, model, member.Replace("S", Schema, StringComparison.Ordinal));
        Assert.Equal(
            $$$"""
            {"type":"json_schema","json_schema":{"name":"answer","schema":{{{Schema}}},"strict":true}}
            """,
            seen.At("response_format").GetRawText()
        );
    }

    /// <summary>Anthropic refuses it otherwise.</summary>
    [Theory]
    [InlineData(Completions)]
    [InlineData("/v1/generations")]
    public async Task The_schema_of_an_answer_reaches_anthropic_without_room_for_other_members(string path)
    {
        var member = $$$"""
            "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{{{Open}}}}}
            """;
        var seen = await SeenAsync(path, "claude-x", member);
        Assert.Equal(
            "{\"format\":{\"type\":\"json_schema\",\"schema\":" + Open[..^1] + ",\"additionalProperties\":false}}}",
            seen.At("output_config").GetRawText()
        );
    }

    [Theory]
    [InlineData("gpt-4o")]
    [InlineData("claude-x")]
    public async Task The_tools_of_a_generation_reach_its_provider(string model)
    {
        const string choice = """ ,"tool_choice":{"type":"function","function":{"name":"f"}}""";
        var seen = await SeenAsync("/v1/generations", model, Function + choice);
        Assert.Equal(
            ("f", "f"),
            model == "gpt-4o"
                ? (seen.Text("tools.0.function.name"), seen.Text("tool_choice.function.name"))
                : (seen.Text("tools.0.name"), seen.Text("tool_choice.name"))
        );
    }

    [Fact]
    public async Task A_tool_that_has_failed_says_so_to_another_vendor()
    {
        const string call =
            """{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},"""
            + """{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","is_error":true,"""
            + """ "content":"no such file"}]}""";
        var seen = await SeenAsync(Messages, "gpt-4o", Tool, call);
        Assert.Equal("Error: no such file", seen.Text("messages.2.content"));
    }

    [Fact]
    public async Task Parts_of_a_question_are_not_joined_into_one_word()
    {
        const string system = """ "system":[{"type":"text","text":"be brief"},{"type":"text","text":"be kind"}]""",
            parts = """{"role":"user","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]}""",
            systemParts =
                """{"role":"system","content":[{"type":"text","text":"be brief"},"""
                + """{"type":"text","text":"be kind"}]}""";
        var openAi = await SeenAsync(Messages, "gpt-4o", system, parts);
        Assert.Equal(
            ("be brief\n\nbe kind", "one\n\ntwo"),
            (openAi.Text("messages.0.content"), openAi.Text("messages.2.content"))
        );

        var anthropic = await SeenAsync(Completions, "claude-x", """ "stream":false""", systemParts);
        Assert.Equal("be brief\n\nbe kind", anthropic.Text("system"));
    }

    /// <summary>The gateway shows another vendor's reasoning so, and Anthropic refuses it.</summary>
    [Theory]
    [InlineData("gpt-4o")]
    [InlineData("claude-x")]
    public async Task Thinking_without_a_signature_is_taken_and_reaches_no_provider(string model)
    {
        const string thinking = """ "thinking":{"type":"enabled","budget_tokens":1024}""",
            answers =
                """{"role":"assistant","content":[{"type":"thinking","thinking":"foreign","signature":""},"""
                + """{"type":"text","text":"one"}]},"""
                + """{"role":"assistant","content":[{"type":"thinking","thinking":"foreign"}]},"""
                + """{"role":"assistant","content":[{"type":"thinking","thinking":"signed","signature":"c2ln"},"""
                + """{"type":"text","text":"two"}]}""";
        var seen = await SeenAsync(Messages, model, thinking, answers);
        var text = seen.GetRawText();
        Assert.DoesNotContain("foreign", text, StringComparison.Ordinal);
        Assert.Equal(model == "claude-x", text.Contains("signed", StringComparison.Ordinal));
        Assert.DoesNotContain("[]", text, StringComparison.Ordinal);
        Assert.Contains("one", text, StringComparison.Ordinal);
    }

    /// <summary>Returns the body of the request that the provider gets.</summary>
    private async Task<JsonElement> SeenAsync(string path, string model, string member, string? message = null)
    {
        var seen = new TaskCompletionSource<JsonElement>();
        var prompt = Upstream.On(request =>
        {
            seen.TrySetResult(request.Body);
            return request.SayAsync("ok");
        });
        await AnswerAsync(path, model, prompt, member, message);

        // A generation is asked for after its answer.
        return await seen.Task.WaitAsync(Stop);
    }

    private async Task AnswerAsync(string path, string model, string prompt, string member, string? message)
    {
        var messages = $$"""{"role":"user","content":"{{prompt}}"}{{(message is null ? "" : "," + message)}}""";
        var body = $$"""{"model":"{{model}}","max_tokens":9,"messages":[{{messages}}],{{member}}}""";
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await LlmSystem.PostAsync(A, path, content);
        var answer = await response.TextAsync();
        Assert.True(response.IsSuccessStatusCode, answer);
    }
}
