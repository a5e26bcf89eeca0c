using System.Net;
using System.Text;
using System.Text.Json;

namespace Integration.Llm;

/// <summary>Requests reach their own vendor as they are; for another, they are translated or refused by name.</summary>
public sealed class VendorRequestTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private const string OpenAi = "/v1/chat/completions",
        Anthropic = "/v1/messages";

    private const string Function = """ "tools":[{"type":"function","function":{"name":"f"}}] """,
        Tool = """ "tools":[{"name":"f","input_schema":{"type":"object"}}] """;

    private const string DocumentResult =
            """{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":["""
            + """{"type":"text","text":"x"},{"type":"document","source":{"type":"text","data":"x"}}]}]}""",
        ImageResult =
            """{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":["""
            + """{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}]}""",
        ImageFile = """{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"file_1"}}]}""",
        FileResult =
            """{"role":"tool","tool_call_id":"t","content":["""
            + """{"type":"text","text":"x"},{"type":"file","file":{"file_id":"f"}}]}""",
        ImageUrlResult =
            """{"role":"tool","tool_call_id":"t","content":["""
            + """{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}""",
        OldCall = """{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}""",
        Spoken = """{"role":"assistant","content":null,"audio":{"id":"audio_1"}}""";

    [Theory]
    [InlineData(OpenAi, "demo", Function + """ ,"tool_choice":{"function":{"name":""}}""", "tool_choice")]
    [InlineData(OpenAi, "demo", Function + """ ,"tool_choice":{"function":{"name":" "}}""", "tool_choice")]
    [InlineData(Anthropic, "demo", Tool + """ ,"tool_choice":{"type":"tool","name":""}""", "tool_choice.name")]
    [InlineData(Anthropic, "demo", """ "tools":[{"name":" "}]""", "tools.0.name")]
    [InlineData(OpenAi, "claude-x", """ "tools":[{"type":"custom","custom":{"name":"f"}}]""", "tools[0].type")]
    [InlineData(Anthropic, "gpt-4o", """ "tools":[{"type":"web_search_20250305","name":"w"}]""", "tools.0.type")]
    [InlineData(OpenAi, "gpt-4o", """ "seed":1,"seed":2""", "seed")]
    [InlineData(OpenAi, "gpt-4o", """ "stream_options":{"a":1,"a":2}""", "stream_options.a")]
    [InlineData(OpenAi, "gpt-4o", """ "metadata":{"a":[1,{"b":{"c":1,"d":2,"c":3}}]}""", "metadata.a[1].b.c")]
    [InlineData(OpenAi, "gpt-4o", """ "metadata":{"a":1,"\u0061":2}""", "metadata.a")]
    [InlineData(Anthropic, "claude-x", """ "system":[{"type":"text","text":"x","text":"y"}]""", "system[0].text")]
    [InlineData(Anthropic, "claude-x", """ "model":"demo" """, "model")]
    [InlineData(OpenAi, "claude-x", """ "response_format":{"type":"json_object"}""", "response_format")]
    [InlineData(OpenAi, "demo", """ "response_format":{"type":"json_schema"}""", "response_format")]
    [InlineData(OpenAi, "claude-x", """ "logprobs":true""", "logprobs")]
    public async Task A_request_that_would_be_answered_otherwise_than_asked_is_refused(
        string path,
        string model,
        string member,
        string field
    )
    {
        using var response = await PostAsync(path, model, "hi", member);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(field, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await VendorErrorTests.SaysAsync(response, isAnthropic: path == Anthropic, "invalid_request_error");
    }

    [Theory]
    [InlineData(OpenAi, "claude-x", "messages[0].content[1].type", "input_audio")]
    [InlineData(Anthropic, "gpt-4o", "messages.0.content.1.type", "document")]
    [InlineData("/sse/chat", "demo", "messages[0].content[1].type", "file")]
    public async Task A_part_of_a_message_that_the_model_would_not_see_is_refused(
        string path,
        string model,
        string field,
        string kind
    )
    {
        var content = new object[] { new { type = "text", text = "Sum this up." }, new { type = kind } };
        using var response = await LlmSystem.PostAsync(
            shared.World.A,
            path,
            new
            {
                model,
                max_tokens = 9,
                messages = new[] { new { role = "user", content } },
            }
        );
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(field, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Anthropic, "gpt-4o", DocumentResult, "messages.1.content.0.content.1.type")]
    [InlineData(Anthropic, "gpt-4o", ImageResult, "messages.1.content.0.content")]
    [InlineData(Anthropic, "gpt-4o", ImageFile, "messages.1.content.0.source.type")]
    [InlineData(OpenAi, "claude-x", FileResult, "messages[1].content[1].type")]
    [InlineData(OpenAi, "claude-x", ImageUrlResult, "messages[1].content")]
    [InlineData(OpenAi, "claude-x", OldCall, "messages[1].function_call")]
    [InlineData(OpenAi, "claude-x", Spoken, "messages[1].audio")]
    [InlineData("/sse/chat", "demo", FileResult, "messages[1].content[1].type")]
    public async Task A_message_that_the_model_would_see_only_in_part_is_refused(
        string path,
        string model,
        string message,
        string field
    )
    {
        using var response = await PostAsync(path, model, "hi", """ "stream":false""", message);
        var answer = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, answer);
        Assert.Contains(field, answer, StringComparison.Ordinal);
        Assert.Contains("cannot be sent to this model", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Anthropic, "claude-x", DocumentResult)]
    [InlineData(Anthropic, "claude-x", ImageResult)]
    [InlineData(Anthropic, "claude-x", ImageFile)]
    [InlineData(OpenAi, "gpt-4o", FileResult)]
    [InlineData(OpenAi, "gpt-4o", OldCall)]
    [InlineData(OpenAi, "gpt-4o", Spoken)]
    public async Task A_message_that_only_its_own_vendor_takes_reaches_it_unchanged(
        string path,
        string model,
        string message
    )
    {
        var (prompt, seen) = Seen();
        using var response = await PostAsync(path, model, prompt, """ "stream":false""", message);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(message), seen().GetProperty("messages")[1]));
    }

    [Theory]
    [InlineData(OpenAi, "demo", """ "response_format":{"type":"text"},"logprobs":false,"seed":7""")]
    [InlineData(Anthropic, "demo", """ "thinking":{"type":"enabled","budget_tokens":1024}""")]
    public async Task A_hint_and_a_default_are_accepted_for_every_model(string path, string model, string member)
    {
        using var response = await PostAsync(path, model, "hi", member);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData(OpenAi, "claude-x", Function + """ ,"parallel_tool_calls":false""")]
    [InlineData(Anthropic, "gpt-4o", Tool + """ ,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}""")]
    public async Task The_wish_for_one_tool_call_at_a_time_reaches_the_other_vendor(
        string path,
        string model,
        string member
    )
    {
        var (prompt, seen) = Seen();
        using var response = await PostAsync(path, model, prompt, member);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        if (path == OpenAi)
            Assert.True(seen().GetProperty("tool_choice").GetProperty("disable_parallel_tool_use").GetBoolean());
        else
            Assert.False(seen().GetProperty("parallel_tool_calls").GetBoolean());
    }

    /// <summary>Returns a prompt to which the provider answers, and the body of the request that it got.</summary>
    private (string Prompt, Func<JsonElement> Body) Seen()
    {
        JsonElement seen = default;
        var prompt = shared.World.Upstream.On(async request =>
        {
            seen = request.Body;
            await request.StartAsync();
            await request.EndAsync(1);
        });
        return (prompt, () => seen);
    }

    private Task<HttpResponseMessage> PostAsync(
        string path,
        string model,
        string prompt,
        string member,
        string? message = null
    ) =>
        LlmSystem.Http.PostAsync(
            new Uri(shared.World.A.Url, path),
            new StringContent(
                $$"""{"model":"{{model}}","max_tokens":9,"messages":[{"role":"user","content":"{{prompt}}"}"""
                    + $"{(message is null ? "" : "," + message)}],{member}}}",
                Encoding.UTF8,
                "application/json"
            )
        );
}
