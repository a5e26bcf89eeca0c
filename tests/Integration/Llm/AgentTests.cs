using System.Globalization;
using System.Net;
using System.Text;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Agents: tool calls, resumed runs, sessions in the store.</summary>
public sealed class AgentTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private static string Ask(string prompt) => "/stream?prompt=" + Uri.EscapeDataString(prompt);

    [Fact]
    public async Task An_agent_calls_the_tools_that_the_question_needs_and_answers_with_their_results()
    {
        const string question = "What is 12 * (3 + 4), and which cats do you have?";
        await using var reader = await SseReader.OpenAsync(A.Url, Ask(question)).ToEndAsync();
        var events = reader.Events.ToList();

        Assert.Equal(
            ["tool_use", "tool_result", "tool_use", "tool_result", "content"],
            events.Take(5).Select(e => e.Event)
        );
        Assert.Equal(("end", """{"type":"end"}"""), (events[^1].Event, events[^1].Data));

        var sum = events[1].Json();
        Assert.Equal(("tool_result", "calculate", 84), (sum.Text("type"), sum.Text("tool"), sum.Number("output")));
        Assert.Contains("cat", events[3].Json().At("output").GetRawText(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(LlmSystem.Text(events, "content"), LlmSystem.Text(events, "data"));
        Assert.StartsWith("calculate says: 84", LlmSystem.Text(events, "content"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("length", "limit of tokens")]
    [InlineData("content_filter", "content filter")]
    public async Task An_agent_does_not_run_a_tool_call_of_an_answer_that_was_cut(string finish, string reason)
    {
        var prompt = Upstream.On(request =>
            request.Attempt > 1
                ? request.SayAsync("ok")
                : request.EventsAsync(
                    """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t1","""
                        + """ "function":{"name":"search_pets","arguments":"{}"}}]},"finish_reason":"""
                        + $"\"{finish}\"}}]}}",
                    "[DONE]"
                )
        );
        await using var reader = await SseReader.OpenAsync(A.Url, Ask(prompt) + "&provider=openai").ToEndAsync();
        Assert.Equal(["tool_use", "tool_result", "content", "end"], reader.Events.Select(e => e.Event));
        Assert.Contains(reason, reader.Events.ElementAt(1).Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("length")]
    [InlineData("content_filter")]
    public async Task An_answer_that_was_cut_says_so_in_its_end(string finish)
    {
        var prompt = Upstream.On(request =>
            request.EventsAsync(
                $$$"""{"choices":[{"delta":{"content":"half"},"finish_reason":"{{{finish}}}"}]}""",
                "[DONE]"
            )
        );
        await using var reader = await SseReader.OpenAsync(A.Url, Ask(prompt) + "&provider=openai").ToEndAsync();
        Assert.Equal($$"""{"type":"end","finishReason":"{{finish}}"}""", reader.Events.Last().Data);
    }

    /// <summary>The last request offers no tools, but a model may call one all the same.</summary>
    [Fact]
    public async Task An_agent_that_runs_out_of_requests_says_that_it_did_not_run_the_last_call()
    {
        var prompt = Upstream.On(request =>
            request.EventsAsync(
                $$$"""{"choices":[{"delta":{"tool_calls":[{"id":"t{{{request.Attempt}}}","function":"""
                    + """{"name":"search_pets","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""",
                "[DONE]"
            )
        );
        await using var reader = await SseReader.OpenAsync(A.Url, Ask(prompt) + "&provider=openai").ToEndAsync();
        Assert.Equal(7, reader.Events.Count(e => e.Event == "tool_result"));
        Assert.Equal("""{"type":"end","finishReason":"length"}""", reader.Events.Last().Data);
        Assert.Contains("did not call search_pets", LlmSystem.Text(reader.Events, "content"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_returns_to_another_replica_reads_the_same_run_on()
    {
        var said = new StringBuilder();
        var returned = new TaskCompletionSource();
        var question = Upstream.On(async request =>
        {
            await request.StartAsync();

            // The answer is not over before the last return.
            for (var i = 0; !returned.Task.IsCompleted; i++)
            {
                said.Append(CultureInfo.InvariantCulture, $"{i} ");
                await request.TokenAsync($"{i} ");
                await Task.Delay(20, request.Gone);
            }

            await request.EndAsync(1);
        });
        var prompt = Ask(question) + "&provider=openai";
        var frames = new List<Frame>();
        string? last;
        await using (var first = await SseReader.OpenAtAsync(A.Url, prompt))
            last = first.Frames.First(f => f.Id is not null).Id; // the announcement: no event was taken

        await using (var second = await SseReader.OpenAsync(B.Url, prompt, last).ToEventsAsync(3))
        {
            frames.AddRange(second.Events.Take(3));
            last = frames[^1].Id;
        }

        await using var third = await SseReader.OpenAsync(A.Url, prompt, last);
        returned.SetResult();
        await third.WaitForEndAsync();
        frames.AddRange(third.Events);
        Assert.Equal(said.ToString(), LlmSystem.Text(frames, "content"));
        Assert.Equal(1, Upstream.Attempts(question));
        Assert.Single(frames, f => f.Event == "end");
        await IsOverAsync($"{prompt}&last_event_id={third.LastId}");
    }

    [Theory]
    [InlineData("in the header")]
    [InlineData("in the body")]
    public async Task A_question_posted_with_a_last_id_reads_its_run_on_and_starts_none(string where)
    {
        var prompt = Upstream.Saying("one ", "two");
        await using var first = await LlmSystem
            .OpenAsync(A, "/stream", new { prompt, provider = "openai" })
            .ToEndAsync();
        var start = first.Frames.First(f => f.Id is not null).Id!;
        object question =
            where == "in the header"
                ? new { prompt, provider = "openai" }
                : new
                {
                    prompt,
                    provider = "openai",
                    last_event_id = start,
                };

        var header = where == "in the header" ? start : null;
        await using var again = await LlmSystem.OpenAsync(B, "/stream", question, header).ToEndAsync();
        Assert.Equal(first.Events, again.Events);
        Assert.Equal("one two", LlmSystem.Text(again.Events, "content"));
        Assert.Equal(1, Upstream.Attempts(prompt));
    }

    [Fact]
    public async Task An_id_in_a_question_is_looked_up_and_no_sum()
    {
        const string question = "What is the status of order 7c9e6679-7425-40de-944b-e07fc1f90ae7?";
        await using var reader = await SseReader.OpenAsync(A.Url, Ask(question)).ToEndAsync();
        Assert.Equal(
            ["look_up_order"],
            reader.Events.Where(e => e.Event == "tool_use").Select(e => e.Json().Text("tool"))
        );
    }

    [Fact]
    public async Task An_id_that_names_no_run_gets_a_resync_a_fatal_error_and_then_an_end_to_reconnecting()
    {
        await using var reader = await SseReader.OpenAsync(A.Url, Ask("x"), "garbage").ToEndAsync();
        Assert.Equal(["begin", "resync", "error"], reader.Frames.Where(f => f.Event is not null).Select(f => f.Event));
        // The error follows the resync; nothing follows the error.
        var resync = reader.Frames.Single(f => f.Event == "resync").Id;
        await using var again = await SseReader.OpenAsync(B.Url, Ask("x"), resync).ToEndAsync();

        Assert.Equal(reader.Events, again.Events);
        await IsOverAsync(Ask("x") + "&last_event_id=" + reader.LastId);
    }

    [Fact]
    public async Task A_session_answers_its_messages_in_order_for_early_late_and_second_readers()
    {
        var id = await LlmSystem.SessionAsync(A, provider: null);
        await LlmSystem.SendAsync(A, id, "first");
        await using var early = await SseReader.OpenAsync(A.Url, "/stream/" + id);

        await LlmSystem.SendAsync(B, id, "second");
        await LlmSystem.AnsweredAsync(early, 2);
        await using var late = await SseReader.OpenAsync(B.Url, "/stream/" + id).ToEventsAsync(early.Events.Count());

        Assert.Equal(early.Events, late.Events);
        Assert.All(early.Events, e => Assert.Null(e.Event));
        Assert.Matches("“first”(.|\n)*“second”", LlmSystem.Text(early.Events, "data"));
    }

    [Fact]
    public async Task A_session_is_read_with_its_messages_tools_and_times_and_streamed_from_there()
    {
        var id = await LlmSystem.SessionAsync(A, provider: null);
        await LlmSystem.SendAsync(A, id, "What is 6 * 7?");
        await using var early = await SseReader.OpenAsync(A.Url, "/stream/" + id);

        await LlmSystem.AnsweredAsync(early);
        using var response = await SeedRequests.SendAsync(B.Url, HttpMethod.Get, "/session/" + id);
        var turn = Assert.Single((await response.JsonAsync()).Items("turns"));
        var events = turn.Items("events").ToList();

        Assert.Equal("What is 6 * 7?", turn.Text("message"));
        Assert.Equal(["tool_use", "tool_result", "content"], events.Select(e => e.Text("type")));
        Assert.Equal(42, events[1].Number("output"));
        Assert.True(events[1].At("durationMs").GetDouble() >= 0);
        Assert.Equal(LlmSystem.Text(early.Events, "data"), events[2].Text("data"));
        Assert.True(turn.At("endedAt").GetDateTimeOffset() >= turn.At("askedAt").GetDateTimeOffset());

        var position = Assert.Single(response.Headers.GetValues("X-Sse-Position"));
        await using var late = await SseReader.OpenAsync(B.Url, "/stream/" + id, position);
        await LlmSystem.SendAsync(A, id, "and now?");
        await LlmSystem.AnsweredAsync(late);
        Assert.StartsWith("You asked: “and now?”", LlmSystem.Text(late.Events, "data"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_number_beyond_a_sessions_end_is_answered_by_a_resync_and_the_session_from_its_start()
    {
        var id = await LlmSystem.SessionAsync(A, provider: null);
        await LlmSystem.SendAsync(A, id, "hello");
        await using var whole = await SseReader.OpenAsync(A.Url, "/stream/" + id);

        await LlmSystem.AnsweredAsync(whole);
        await using var beyond = await SseReader.OpenAsync(B.Url, "/stream/" + id, "99999");
        await LlmSystem.AnsweredAsync(beyond);
        Assert.Equal(("future", "99999"), (beyond.Resync()?.Text("reason"), beyond.Resync()?.Text("requested")));
        Assert.Equal(whole.Events, beyond.Events);

        // The number of all events is valid: it is not beyond the end.
        await using var level = await SseReader.OpenAsync(B.Url, "/stream/" + id, $"{whole.Events.Count()}");
        await LlmSystem.SendAsync(A, id, "and now?");
        await level.WaitForEventsAsync(1);
        Assert.Null(level.Resync());
    }

    [Theory]
    [InlineData("GET", "/stream/")]
    [InlineData("GET", "/session/")]
    [InlineData("POST", "/message/")]
    public async Task An_unknown_session_is_a_404_that_says_so(string method, string path)
    {
        using var body = SeedRequests.ContentOf(method == "POST" ? new { content = "x" } : null);
        using var response = await SeedRequests.SendAsync(A.Url, new(method), path + Guid.NewGuid(), body);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("Session not found", (await response.JsonAsync()).Text("error"));
    }

    private async Task IsOverAsync(string path)
    {
        using var after = await SeedRequests.SendAsync(B.Url, HttpMethod.Get, path);
        Assert.Equal(HttpStatusCode.NoContent, after.StatusCode);
    }
}
