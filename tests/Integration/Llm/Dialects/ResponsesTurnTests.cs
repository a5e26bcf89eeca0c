using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>Calls and messages of a turn of OpenAI's Responses API, as the next turn's provider gets them.</summary>
public sealed class ResponsesTurnTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Path = "/v1/responses";

    [Fact]
    public async Task Arguments_that_are_no_json_are_kept_for_the_next_turn()
    {
        var first = await AnswerAsync(
            "demo",
            """
            [{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":"},
            {"type":"function_call_output","call_id":"c1","output":"no"},{"role":"user","content":"go"}]
            """
        );
        var items = await SeedRequests.GetAsync(B.Url, $"{Path}/{first}/input_items?order=asc");
        Assert.Equal("{\"a\":", items.Text("data.0.arguments"));

        var seen = await AskedAsync(first, """[{"role":"user","content":"PROMPT"}]""");
        Assert.Equal("{\"a\":", seen.Text("messages.0.tool_calls.0.function.arguments"));
    }

    [Fact]
    public async Task A_call_without_a_result_is_left_out_of_the_next_turn()
    {
        var first = await AnswerAsync(
            "gpt-4o",
            $$"""[{"role":"user","content":"{{Upstream.On(request => request.EventsAsync(ResponsesTests.Rich))}}"}]"""
        );
        var ignored = await AskedAsync(
            first,
            """[{"type":"function_call","call_id":"c2","name":"f"},{"role":"user","content":"PROMPT"}]"""
        );
        Assert.Equal(["user", "assistant", "user"], Roles(ignored));
        Assert.DoesNotContain("tool_calls", ignored.GetRawText(), StringComparison.Ordinal);

        var answered = await AskedAsync(
            first,
            """
            [{"type":"function_call_output","call_id":"call_1","output":"found it"},{"role":"user","content":"PROMPT"}]
            """
        );
        Assert.Equal(["user", "assistant", "tool", "user"], Roles(answered));

        static IEnumerable<string?> Roles(JsonElement body) =>
            body.At("messages").EnumerateArray().Select(message => message.Text("role"));
    }

    [Fact]
    public async Task Messages_of_the_assistant_reach_the_provider_apart()
    {
        var seen = await AskedAsync(
            previous: null,
            """
            [{"role":"user","content":"x"},{"role":"assistant","content":"A."},{"role":"assistant","content":"B."},
            {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"role":"assistant","content":"C."},
            {"type":"function_call_output","call_id":"c1","output":"1"},{"role":"user","content":"PROMPT"}]
            """
        );
        Assert.Equal(
            ["user x", "assistant A.", "assistant B.\n\nC.", "tool 1", "user"],
            seen.At("messages")
                .EnumerateArray()
                .SkipLast(1)
                .Select(message => $"{message.Text("role")} {message.Text("content")}")
                .Append("user")
        );
        Assert.Equal("c1", seen.Text("messages.2.tool_calls.0.id"));
    }

    [Fact]
    public async Task An_image_of_an_answer_is_told_in_the_next_turn_because_no_provider_takes_it_back()
    {
        const string Image = "https://example.com/a.png";
        var answer = Upstream.On(request =>
            request.EventsAsync(
                """{"id":"c","choices":[{"index":0,"delta":{"content":"Here."}}]}""",
                $$$$"""{"choices":[{"delta":{"images":[{"type":"image_url","image_url":{"url":"{{{{Image}}}}"}}]}}]}""",
                """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
                "[DONE]"
            )
        );
        var first = await AnswerAsync("gpt-4o", $$"""[{"role":"user","content":"{{answer}}"}]""");

        var seen = await AskedAsync(first, """[{"role":"user","content":"PROMPT"}]""");
        Assert.Equal("assistant", seen.Text("messages.1.role"));
        Assert.Contains($"[A file (image/*): {Image}]", seen.Text("messages.1.content"), StringComparison.Ordinal);
        Assert.DoesNotContain("image_url", seen.GetRawText(), StringComparison.Ordinal);
    }

    /// <summary>Answers an input, and returns the id of its response.</summary>
    private async Task<string> AnswerAsync(string model, string input)
    {
        var question = JsonElement.Parse($$"""{"model":"{{model}}","max_output_tokens":3,"input":{{input}}}""");
        return (await LlmSystem.AnswerAsync(A, Path, question)).Text("id")!;
    }

    /// <summary>Returns the body that the provider gets of an input in which <c>PROMPT</c> is its own.</summary>
    private async Task<JsonElement> AskedAsync(string? previous, string input)
    {
        JsonElement? seen = null;
        var prompt = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("yes");
        });
        var asked = JsonElement.Parse(input.Replace("PROMPT", prompt, StringComparison.Ordinal));
        await LlmSystem.AnswerAsync(
            B,
            Path,
            new
            {
                model = "gpt-4o",
                input = asked,
                previous_response_id = previous,
            }
        );
        return seen!.Value;
    }
}
