using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Harness;

namespace Integration.Llm;

/// <summary>Agents: tool calls, resumed runs, sessions in the store.</summary>
public sealed class AgentTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private static string Ask(string prompt) => "/stream?prompt=" + Uri.EscapeDataString(prompt);

    [Fact]
    public async Task An_agent_calls_the_tools_that_the_question_needs_and_answers_with_their_results()
    {
        await using var reader = await SseReader.OpenAsync(
            shared.World.A.Url,
            Ask("What is 12 * (3 + 4), and which cats do you have?")
        );

        await reader.WaitForEndAsync();
        var events = reader.Events.ToList();
        Assert.Equal(
            ["tool_use", "tool_result", "tool_use", "tool_result", "content"],
            events.Take(5).Select(e => e.Event)
        );
        Assert.Equal("end", events[^1].Event);
        Assert.Equal("""{"type":"end"}""", events[^1].Data);

        var sum = JsonDocument.Parse(events[1].Data!).RootElement;
        Assert.Equal(
            ("tool_result", "calculate", 84),
            (
                sum.GetProperty("type").GetString(),
                sum.GetProperty("tool").GetString(),
                sum.GetProperty("output").GetInt32()
            )
        );
        Assert.Contains(
            "cat",
            JsonDocument.Parse(events[3].Data!).RootElement.GetProperty("output").GetRawText(),
            StringComparison.OrdinalIgnoreCase
        );
        Assert.Equal(LlmSystem.Text(events, "content"), LlmSystem.Text(events, "data"));
        Assert.StartsWith("calculate says: 84", LlmSystem.Text(events, "content"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_does_not_run_a_tool_call_that_the_limit_has_cut()
    {
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            if (request.Attempt == 1)
                await request.EventsAsync(
                    """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t1","""
                        + """ "function":{"name":"search_pets","arguments":""}}]},"finish_reason":"length"}]}""",
                    "[DONE]"
                );
            else
            {
                await request.TokenAsync("ok");
                await request.EndAsync(1);
            }
        });
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, Ask(prompt) + "&provider=openai");
        await reader.WaitForEndAsync();
        Assert.Equal(["tool_use", "tool_result", "content", "end"], reader.Events.Select(e => e.Event));
        Assert.Contains("limit of tokens", reader.Events.ElementAt(1).Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_returns_to_another_replica_reads_the_same_run_on()
    {
        var (said, returned) = (new StringBuilder(), new TaskCompletionSource());
        var question = shared.World.Upstream.On(async request =>
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
        await using (var first = await SseReader.OpenAtAsync(shared.World.A.Url, prompt))
            last = first.Frames.First(f => f.Id is not null).Id; // the announcement: no event was taken
        await using (var second = await SseReader.OpenAsync(shared.World.B.Url, prompt, last))
        {
            await second.WaitForEventsAsync(3);
            frames.AddRange(second.Events.Take(3));
            last = frames[^1].Id;
        }
        await using var third = await SseReader.OpenAsync(shared.World.A.Url, prompt, last);
        returned.SetResult();
        await third.WaitForEndAsync();
        frames.AddRange(third.Events);
        Assert.Equal(said.ToString(), LlmSystem.Text(frames, "content"));
        Assert.Equal(1, shared.World.Upstream.Attempts(question));
        Assert.Single(frames, f => f.Event == "end");
        using var after = await LlmSystem.Http.GetAsync(
            new Uri(shared.World.B.Url, prompt + "&last_event_id=" + third.LastId)
        );
        Assert.Equal(HttpStatusCode.NoContent, after.StatusCode);
    }

    [Theory]
    [InlineData("in the header")]
    [InlineData("in the body")]
    public async Task A_question_posted_with_a_last_id_reads_its_run_on_and_starts_none(string where)
    {
        var question = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("one ");
            await request.TokenAsync("two");
            await request.EndAsync(2);
        });
        await using var first = await SseReader.OpenAsync(
            shared.World.A.Url,
            "/stream",
            method: HttpMethod.Post,
            body: JsonContent.Create(new { prompt = question, provider = "openai" })
        );
        await first.WaitForEndAsync();
        var start = first.Frames.First(f => f.Id is not null).Id!;

        await using var again = await SseReader.OpenAsync(
            shared.World.B.Url,
            "/stream",
            where == "in the header" ? start : null,
            HttpMethod.Post,
            JsonContent.Create(
                where == "in the header"
                    ? new { prompt = question, provider = "openai" }
                    : (object)
                        new
                        {
                            prompt = question,
                            provider = "openai",
                            last_event_id = start,
                        }
            )
        );
        await again.WaitForEndAsync();

        Assert.Equal(first.Events, again.Events);
        Assert.Equal("one two", LlmSystem.Text(again.Events, "content"));
        Assert.Equal(1, shared.World.Upstream.Attempts(question));
    }

    [Fact]
    public async Task An_id_in_a_question_is_looked_up_and_no_sum()
    {
        await using var reader = await SseReader.OpenAsync(
            shared.World.A.Url,
            Ask("What is the status of order 7c9e6679-7425-40de-944b-e07fc1f90ae7?")
        );
        await reader.WaitForEndAsync();
        Assert.Equal(
            ["look_up_order"],
            reader
                .Events.Where(e => e.Event == "tool_use")
                .Select(e => JsonDocument.Parse(e.Data!).RootElement.GetProperty("tool").GetString())
        );
    }

    [Fact]
    public async Task An_id_that_names_no_run_gets_a_resync_a_fatal_error_and_then_an_end_to_reconnecting()
    {
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, Ask("x"), "garbage");
        await reader.WaitForEndAsync();
        Assert.Equal(["resync", "error"], reader.Frames.Where(f => f.Event is not null).Select(f => f.Event));
        // The error follows the resync; nothing follows the error.
        await using (
            var again = await SseReader.OpenAsync(
                shared.World.B.Url,
                Ask("x"),
                reader.Frames.Single(f => f.Event == "resync").Id
            )
        )
        {
            await again.WaitForEndAsync();
            Assert.Equal(reader.Events, again.Events);
        }
        using var after = await LlmSystem.Http.GetAsync(
            new Uri(shared.World.B.Url, Ask("x") + "&last_event_id=" + reader.LastId)
        );
        Assert.Equal(HttpStatusCode.NoContent, after.StatusCode);
    }

    [Fact]
    public async Task A_session_answers_its_messages_in_order_for_early_late_and_second_readers()
    {
        var id = await SessionAsync();
        await SendAsync(shared.World.A, id, "first");
        await using var early = await SseReader.OpenAsync(shared.World.A.Url, "/stream/" + id);
        await SendAsync(shared.World.B, id, "second");
        await early.WaitAsync(r => r.Events.Count(e => e.Data == """{"type":"message_end"}""") == 2);
        await using var late = await SseReader.OpenAsync(shared.World.B.Url, "/stream/" + id);
        await late.WaitForEventsAsync(early.Events.Count());
        Assert.Equal(early.Events, late.Events);
        Assert.All(early.Events, e => Assert.Null(e.Event));
        var text = LlmSystem.Text(early.Events, "data");
        Assert.True(
            text.IndexOf("“first”", StringComparison.Ordinal) is >= 0 and var one
                && text.IndexOf("“second”", StringComparison.Ordinal) > one,
            text
        );
    }

    [Fact]
    public async Task A_session_is_read_with_its_messages_tools_and_times_and_streamed_from_there()
    {
        var id = await SessionAsync();
        await SendAsync(shared.World.A, id, "What is 6 * 7?");
        await using var early = await SseReader.OpenAsync(shared.World.A.Url, "/stream/" + id);
        await early.WaitAsync(r => r.Events.Any(e => e.Data == """{"type":"message_end"}"""));
        using var response = await LlmSystem.Http.GetAsync(new Uri(shared.World.B.Url, "/session/" + id));
        var turn = Assert.Single(
            (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("turns").EnumerateArray().ToList()
        );
        var events = turn.GetProperty("events").EnumerateArray().ToList();
        Assert.Equal("What is 6 * 7?", turn.GetProperty("message").GetString());
        Assert.Equal(["tool_use", "tool_result", "content"], events.Select(e => e.GetProperty("type").GetString()));
        Assert.Equal(42, events[1].GetProperty("output").GetInt32());
        Assert.True(events[1].GetProperty("durationMs").GetDouble() >= 0);
        Assert.Equal(LlmSystem.Text(early.Events, "data"), events[2].GetProperty("data").GetString());
        Assert.True(turn.GetProperty("endedAt").GetDateTimeOffset() >= turn.GetProperty("askedAt").GetDateTimeOffset());

        await using var late = await SseReader.OpenAsync(
            shared.World.B.Url,
            "/stream/" + id,
            Assert.Single(response.Headers.GetValues("X-Sse-Position"))
        );
        await SendAsync(shared.World.A, id, "and now?");
        await late.WaitAsync(r => r.Events.Any(e => e.Data == """{"type":"message_end"}"""));
        Assert.StartsWith("You asked: “and now?”", LlmSystem.Text(late.Events, "data"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_number_beyond_a_sessions_end_is_answered_by_a_resync_and_the_session_from_its_start()
    {
        var id = await SessionAsync();
        await SendAsync(shared.World.A, id, "hello");
        await using var whole = await SseReader.OpenAsync(shared.World.A.Url, "/stream/" + id);
        await whole.WaitAsync(r => r.Events.Any(e => e.Data == """{"type":"message_end"}"""));
        await using var beyond = await SseReader.OpenAsync(shared.World.B.Url, "/stream/" + id, "99999");
        await beyond.WaitAsync(r => r.Events.Any(e => e.Data == """{"type":"message_end"}"""));
        var resync = JsonDocument.Parse(beyond.Frames.Single(f => f.Event == "resync").Data!).RootElement;
        Assert.Equal(
            ("future", "99999"),
            (resync.GetProperty("reason").GetString(), resync.GetProperty("requested").GetString())
        );
        Assert.Equal(whole.Events, beyond.Events);
        // The number of all events is valid: it is not beyond the end.
        await using var level = await SseReader.OpenAsync(
            shared.World.B.Url,
            "/stream/" + id,
            $"{whole.Events.Count()}"
        );
        await SendAsync(shared.World.A, id, "and now?");
        await level.WaitForEventsAsync(1);
        Assert.DoesNotContain(level.Frames, f => f.Event == "resync");
    }

    [Fact]
    public async Task An_unknown_session_is_a_404_that_says_so()
    {
        foreach (
            var response in (HttpResponseMessage[])
                [
                    await LlmSystem.Http.GetAsync(new Uri(shared.World.A.Url, "/stream/" + Guid.NewGuid())),
                    await LlmSystem.Http.GetAsync(new Uri(shared.World.A.Url, "/session/" + Guid.NewGuid())),
                    await LlmSystem.Http.PostAsJsonAsync(
                        new Uri(shared.World.A.Url, "/message/nope"),
                        new { content = "x" }
                    ),
                ]
        )
        {
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Equal(
                "Session not found",
                (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString()
            );
            response.Dispose();
        }
    }

    private async Task<string> SessionAsync(RunningService? replica = null)
    {
        using var response = await LlmSystem.Http.PostAsync(new Uri((replica ?? shared.World.A).Url, "/session"), null);
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("session_id").GetString()!;
    }

    private static async Task SendAsync(RunningService replica, string id, string content)
    {
        using var response = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(replica.Url, "/message/" + id),
            new { content }
        );
        Assert.Equal("""{"status":"ok"}""", await response.Content.ReadAsStringAsync());
    }
}
