using System.Net;
using System.Text.Json;
using Harness;
using Integration.Seeds;
using LlmGateway.Generations;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Llm.Dialects;

/// <summary>Conversations by <c>previous_response_id</c> of which a turn is gone.</summary>
public sealed class ConversationTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Path = "/v1/responses";

    [Fact]
    public async Task A_turn_that_was_deleted_is_left_out_and_what_is_before_it_stays()
    {
        var first = Upstream.Saying("one");
        var third = Upstream.Saying("three");
        var oldest = await AskAsync(first);
        var deleted = await AskAsync(Upstream.Saying("two"), oldest);
        var latest = await AskAsync(third, deleted);
        await DeleteAsync(deleted);

        Assert.Equal(
            [$"user {first}", "assistant one", $"user {third}", "assistant three"],
            (await HistoryAsync(latest)).Select(message => $"{message.Text("role")} {message.Text("content")}")
        );
    }

    /// <summary>No vendor takes a result without its call, or a call without its result.</summary>
    [Theory]
    [InlineData(0, "assistant:cold")]
    [InlineData(1, "user:PROMPT assistant:and")]
    public async Task A_call_and_its_result_are_left_out_together(int deleted, string left)
    {
        var prompt = Upstream.On(request =>
            request.Body.GetRawText().Contains("tool_call_id", StringComparison.Ordinal)
                ? request.SayAsync("cold")
                : request.EventsAsync(
                    """{"choices":[{"index":0,"delta":{"content":"and","tool_calls":[{"index":0,"id":"c1","""
                        + """ "function":{"name":"look","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""",
                    "[DONE]"
                )
        );
        var asked = await AskAsync(prompt);
        object[] output =
        [
            new
            {
                type = "function_call_output",
                call_id = "c1",
                output = "7",
            },
        ];
        var answered = await AskAsync(output, asked);
        var last = Upstream.Saying("last");
        var latest = await AskAsync(last, answered);
        await DeleteAsync(deleted == 0 ? asked : answered);

        Assert.Equal(
            $"{left.Replace("PROMPT", prompt, StringComparison.Ordinal)} user:{last} assistant:last",
            string.Join(
                ' ',
                (await HistoryAsync(latest)).Select(message => $"{message.Text("role")}:{message.Text("content")}")
            )
        );
    }

    /// <summary>The model would answer without what it was told, and nobody would notice.</summary>
    [Fact]
    public async Task A_conversation_of_which_retention_has_dropped_a_turn_is_refused()
    {
        var latest = await AskAsync(Upstream.Saying("two"), await AskAsync(Upstream.Saying("one")));
        var prompts = ((ServiceHost)A).Services.GetRequiredService<PromptStore>();
        var name = GenerationName.Of(latest["resp_".Length..])!.Value;
        var prompt = await prompts.ReadAsync(name, Stop);
        var dropped = Guid.CreateVersion7().ToString("N");
        await prompts.StoreAsync(name, prompt! with { Previous = dropped }, "me", Stop);

        using var refused = await LlmSystem.PostAsync(A, Path, Question(Upstream.Saying("three"), latest));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        var error = await refused.JsonAsync();
        Assert.Equal(
            ("previous_response_not_found", "previous_response_id"),
            (error.Text("error.code"), error.Text("error.param"))
        );
    }

    /// <summary>The key is the only way to the answer's name: as the docs say, it is refused.</summary>
    [Theory]
    [InlineData("/v1/generations")]
    [InlineData("/api/chat")]
    public async Task An_answer_that_was_deleted_does_not_return_with_its_key_in_any_protocol(string path)
    {
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var prompt = Upstream.Saying("deleted answer");
        using var first = await PostAsync();
        Assert.True(first.IsSuccessStatusCode);
        var text = await first.TextAsync();
        var id =
            path == "/api/chat"
                ? JsonElement.Parse(text.Split('\n')[0]["data: ".Length..]).Text("messageId")
                : JsonElement.Parse(text).Text("id");
        await DeleteAsync($"resp_{id}");

        using var again = await PostAsync();
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        using var found = await LlmSystem.Http.GetAsync(new Uri(B.Url, $"{Path}/resp_{id}"), Stop);
        Assert.Equal(HttpStatusCode.NotFound, found.StatusCode);

        Task<HttpResponseMessage> PostAsync() =>
            LlmSystem.PostAsync(
                A,
                path,
                JsonElement.Parse(
                    path == "/api/chat"
                        ? $$"""
                        {"id":"{{key.Item2}}","provider":"openai",
                        "messages":[{"role":"user","parts":[{"type":"text","text":"{{prompt}}"}]}]}
                        """
                        : $$"""{"provider":"openai","messages":[{"role":"user","content":"{{prompt}}"}]}"""
                ),
                key
            );
    }

    /// <summary>The first response is that of its key, whatever becomes of the turn before it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_gets_its_response_also_after_the_turn_before_it_was_deleted(bool isStreamed)
    {
        var previous = await AskAsync(Upstream.Saying("one"));
        var prompt = Upstream.Saying("two");
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var first = await TextAsync(A);
        await DeleteAsync(previous);
        Assert.Equal(first, await TextAsync(B));
        Assert.Equal(1, Upstream.Attempts(prompt));

        var id = first[first.IndexOf("resp_", StringComparison.Ordinal)..].Split('"')[0];
        await DeleteAsync(id);
        using var deleted = await PostAsync(A);
        Assert.Equal(HttpStatusCode.Conflict, deleted.StatusCode);

        async Task<string> TextAsync(RunningService replica)
        {
            using var response = await PostAsync(replica);
            var text = await response.TextAsync();
            Assert.True(response.IsSuccessStatusCode, text);
            return text;
        }

        Task<HttpResponseMessage> PostAsync(RunningService replica) =>
            LlmSystem.PostAsync(
                replica,
                Path,
                new
                {
                    model = "gpt-4o",
                    input = prompt,
                    previous_response_id = previous,
                    stream = isStreamed,
                },
                key
            );
    }

    private async Task<string> AskAsync(object input, string? previous = null) =>
        (await LlmSystem.AnswerAsync(A, Path, Question(input, previous))).Text("id")!;

    private async Task DeleteAsync(string id)
    {
        using var deleted = await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"{Path}/{id}");
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
    }

    /// <summary>Returns what the provider gets before the next question.</summary>
    private async Task<List<JsonElement>> HistoryAsync(string previous)
    {
        JsonElement? seen = null;
        var next = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("yes");
        });
        await AskAsync(next, previous);
        return [.. seen!.Value.At("messages").EnumerateArray().SkipLast(1)];
    }

    private static object Question(object input, string? previous) =>
        new
        {
            model = "gpt-4o",
            input,
            previous_response_id = previous,
        };
}
