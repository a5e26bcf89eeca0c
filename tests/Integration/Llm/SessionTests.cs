using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;

namespace Integration.Llm;

/// <summary>An acknowledged message is answered, whatever happens to the replica or the store meanwhile.</summary>
public sealed class SessionTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private const string End = """{"type":"message_end"}""";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("stopped")]
    [InlineData("killed")]
    public async Task A_replica_that_is_stopped_or_killed_leaves_the_messages_that_wait_to_the_others(string end)
    {
        await using var leaving = await LeavingAsync();
        var asked = new TaskCompletionSource();
        var (first, second) = (Endless(asked), Answering("second"));
        var session = await SessionAsync(leaving);
        await SendAsync(leaving, session, first);
        // Before the stream: the replica of a stream answers too.
        await asked.Task;
        await using var reader = await SseReader.OpenAsync(shared.World.B.Url, "/stream/" + session);
        await reader.WaitForEventsAsync(1);
        await SendAsync(leaving, session, second);
        if (end == "stopped")
            leaving.Process.Terminate();
        else
            leaving.Process.Kill();
        await reader.WaitAsync(r => r.Events.Count(e => e.Data == End) == 2);
        Assert.Single(reader.Events, e => e.Data!.Contains("interrupted", StringComparison.Ordinal));
        Assert.Equal("begun second", LlmSystem.Text(reader.Events, "data"));
    }

    [Fact]
    public async Task A_stopping_replica_leaves_a_message_whose_answer_has_no_text_yet_to_the_others()
    {
        await using var leaving = await LeavingAsync();
        var asked = new TaskCompletionSource();
        var prompt = shared.World.Upstream.On(async request =>
        {
            asked.TrySetResult();
            if (request.Attempt == 1)
                await Task.Delay(Timeout.Infinite, request.Gone);
            await AnswerAsync(request, "answer");
        });
        var session = await SessionAsync(leaving);
        await SendAsync(leaving, session, prompt);
        // Before the stream: the replica of a stream answers too.
        await asked.Task;
        await using var reader = await SseReader.OpenAsync(shared.World.B.Url, "/stream/" + session);
        leaving.Process.Terminate();
        await reader.WaitAsync(r => r.Events.Any(e => e.Data == End));
        Assert.Equal("answer", LlmSystem.Text(reader.Events, "data"));
        Assert.Equal(2, reader.Events.Count());
    }

    [Fact]
    public async Task A_turn_that_the_store_has_ended_is_followed_by_the_next_one()
    {
        var go = new TaskCompletionSource();
        var first = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("begun ");
            await go.Task;
            await request.TokenAsync("lost");
            await request.EndAsync(2);
        });
        var session = await SessionAsync(shared.World.A);
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, "/stream/" + session);
        await SendAsync(shared.World.A, session, first);
        await reader.WaitForEventsAsync(1);
        // By the outbox, so that no replica is asked for an answer.
        await ExecuteAsync(
            $$"""
            insert into eventstore.outbox (topic, type, key, data)
            values ('sessions.{{session}}.log', 'message', 'second', '{"content":"{{Answering("second")}}"}')
            """
        );
        await Eventually.HoldsAsync(
            async () => (await StateAsync(session)).GetProperty("turns").GetArrayLength() == 2,
            "the second message is stored"
        );
        // As for a run whose last event was lost in a promotion.
        await ExecuteAsync($"select eventstore.lock_log(), eventstore.end_by_will(array['sessions.{session}'])");
        go.SetResult();
        await reader.WaitAsync(r => r.Events.Count(e => e.Data == End) == 2);
        Assert.Equal("begun second", LlmSystem.Text(reader.Events, "data"));
    }

    [Fact]
    public async Task A_turn_is_answered_although_the_store_does_not_answer_its_first_reads()
    {
        await using var clock = shared.World.System.Database.CreateCommand("select clock_timestamp()::text");
        var before = (string)(await clock.ExecuteScalarAsync(Stop))!;
        await using var replica = await shared.World.System.StartReplicaAsync();
        var session = await SessionAsync(replica);
        await using var reader = await SseReader.OpenAsync(replica.Url, "/stream/" + session);
        await reader.WaitAsync(r => r.LastId is not null);
        // Breaks the replica's idle connections when the turn begins.
        await ExecuteAsync(
            $$"""
            create table broken_connections (pid integer, is_broken boolean);
            create function break_connections() returns trigger language plpgsql as $body$
            begin
                insert into broken_connections
                select pid, pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and state = 'idle'
                    and backend_start > '{{before}}' and query not like 'listen%';
                return null;
            end $body$;
            create trigger break_connections after insert on eventstore.runs for each row
            when (new.run = 'sessions.{{session}}') execute function break_connections()
            """
        );
        try
        {
            await SendAsync(replica, session, Answering("answer"));
            await reader.WaitAsync(r => r.Events.Any(e => e.Data == End));
        }
        finally
        {
            shared.World.System.Database.Clear(); // the test's own idle connections are broken, too
            await ExecuteAsync("drop function break_connections() cascade");
        }
        await using var broken = shared.World.System.Database.CreateCommand(
            "select count(*) from broken_connections where is_broken"
        );
        Assert.True((long)(await broken.ExecuteScalarAsync(Stop))! > 0, "no connection was broken");
        await ExecuteAsync("drop table broken_connections");
        Assert.Equal("answer", LlmSystem.Text(reader.Events, "data"));
        Assert.Equal(2, reader.Events.Count());
        await shared.World.System.StopAsync(replica);
    }

    [Fact]
    public async Task Messages_that_wait_for_an_answer_do_not_make_its_replica_try_in_vain_to_begin_another_one()
    {
        var (asked, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = shared.World.Upstream.On(async request =>
        {
            asked.TrySetResult();
            await go.Task;
            await AnswerAsync(request, "first");
        });
        var session = await SessionAsync(shared.World.A);
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, "/stream/" + session);

        await ExecuteAsync(
            $$"""
            create table vain_tries (run text);
            create function note_vain_try() returns trigger language plpgsql as $body$
            begin
                insert into vain_tries select run from eventstore.runs where run = new.run;
                return new;
            end $body$;
            create trigger note_vain_try before insert on eventstore.runs for each row
            when (new.run = 'sessions.{{session}}') execute function note_vain_try()
            """
        );
        try
        {
            await SendAsync(shared.World.A, session, first);
            await asked.Task;
            foreach (var text in (string[])["second", "third", "fourth"])
                await SendAsync(shared.World.A, session, Answering(text));
            go.SetResult();
            await reader.WaitAsync(r => r.Events.Count(e => e.Data == End) == 4);
        }
        finally
        {
            await ExecuteAsync("drop function note_vain_try() cascade");
        }

        Assert.Equal("firstsecondthirdfourth", LlmSystem.Text(reader.Events, "data"));
        await using var tries = shared.World.System.Database.CreateCommand("select count(*) from vain_tries");
        Assert.Equal(0L, await tries.ExecuteScalarAsync(Stop));
        await ExecuteAsync("drop table vain_tries");
    }

    [Fact]
    public async Task A_session_whose_log_lost_its_start_keeps_its_provider_and_resyncs_readers_with_numbers()
    {
        var (first, second) = (Answering("first"), Answering("second"));
        var session = await SessionAsync(shared.World.A);
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, "/stream/" + session);
        var created = (await StateAsync(session)).GetProperty("createdAt").GetDateTimeOffset();
        await SendAsync(shared.World.A, session, Answering("dropped"));
        await reader.WaitAsync(r => r.Events.Any(e => e.Data == End));
        var end = reader.LastId!.Split('-')[1];
        await SendAsync(shared.World.A, session, first);
        await reader.WaitAsync(r => r.Events.Count(e => e.Data == End) == 2);
        // As by retention.
        await ExecuteAsync(
            $"delete from eventstore.events where topic like 'sessions.{session}%' and position <= {end}"
        );
        var kept = reader.Events.Skip(2).ToList();
        await using (var counting = await SseReader.OpenAsync(shared.World.B.Url, "/stream/" + session, "3"))
        {
            await counting.WaitForEventsAsync(2);
            Assert.Equal("expired", Reason(counting));
            Assert.Equal(kept, counting.Events);
        }

        await SendAsync(shared.World.B, session, second);
        await reader.WaitAsync(r => r.Events.Count(e => e.Data == End) == 3);
        Assert.Equal("droppedfirstsecond", LlmSystem.Text(reader.Events, "data"));
        var state = await StateAsync(session);
        Assert.Equal(
            ("openai", "gpt-4o", created),
            (
                state.GetProperty("provider").GetString(),
                state.GetProperty("model").GetString(),
                state.GetProperty("createdAt").GetDateTimeOffset()
            )
        );
    }

    [Fact]
    public async Task A_number_too_high_to_count_gets_a_resync_and_the_whole_session()
    {
        const int Events = 10_002;
        var session = await SessionAsync(shared.World.A);
        await ExecuteAsync(
            $$"""
            insert into eventstore.outbox (topic, type, data)
            select 'sessions.{{session}}', 'content', '{"type":"content","data":"x"}'
            from generate_series(1, {{Events}})
            """
        );
        await using var whole = await SseReader.OpenAsync(shared.World.A.Url, "/stream/" + session, "0");
        await whole.WaitForEventsAsync(Events);
        await using var counting = await SseReader.OpenAsync(shared.World.B.Url, "/stream/" + session, "10001");
        await counting.WaitForEventsAsync(Events);
        Assert.Equal("expired", Reason(counting));
        await using var last = await SseReader.OpenAsync(shared.World.B.Url, "/stream/" + session, "10000");
        await last.WaitForEventsAsync(Events - 10_000);
        Assert.DoesNotContain(last.Frames, f => f.Event == "resync");
    }

    [Theory]
    [InlineData("/sse/chat")]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/messages")]
    public async Task An_answer_that_an_operator_closes_does_not_look_complete(string path)
    {
        // Every stream of the replica is closed.
        await using var own = await World.Start(o => o.Broadcasters(0).Set(LlmSystem.Settings(shared.World.Upstream)));
        var server = own.Replicas[0].Url;
        await using var chat = await SseReader.OpenAsync(
            server,
            path,
            method: HttpMethod.Post,
            body: JsonContent.Create(
                new
                {
                    provider = "openai",
                    model = "gpt-4o",
                    stream = true,
                    max_tokens = 100,
                    messages = new[] { new { role = "user", content = Endless() } },
                }
            )
        );
        await chat.WaitAsync(r => r.Events.Any(e => e.Data!.Contains("begun ", StringComparison.Ordinal)));
        var open = await LlmSystem.Http.GetFromJsonAsync<JsonElement>(
            new Uri(server, "/v1/connections?limit=1000"),
            Stop
        );
        foreach (var connection in open.GetProperty("connections").EnumerateArray())
        {
            using var closed = await LlmSystem.Http.DeleteAsync(
                new Uri(server, "/v1/connections/" + connection.GetProperty("id").GetString()),
                Stop
            );
        }
        await chat.WaitForEndAsync();
        Assert.True(chat.EndedProperly);
        Assert.Contains("\"error\":", chat.Events.Last().Data, StringComparison.Ordinal);
    }

    private Task<RunningService> LeavingAsync() =>
        shared.World.System.StartReplicaAsync(new() { ["Runs__DrainSeconds"] = "1" }, asProcess: true);

    private string Endless(TaskCompletionSource? asked = null) =>
        shared.World.Upstream.On(async request =>
        {
            asked?.TrySetResult();
            await request.StartAsync();
            await request.TokenAsync("begun ");
            await Task.Delay(Timeout.Infinite, request.Gone);
        });

    private string Answering(string text) => shared.World.Upstream.On(request => AnswerAsync(request, text));

    private static async Task AnswerAsync(UpstreamRequest request, string text)
    {
        await request.StartAsync();
        await request.TokenAsync(text);
        await request.EndAsync(1);
    }

    private static string? Reason(SseReader reader) =>
        JsonDocument
            .Parse(reader.Frames.Single(f => f.Event == "resync").Data!)
            .RootElement.GetProperty("reason")
            .GetString();

    private Task<JsonElement> StateAsync(string session) =>
        LlmSystem.Http.GetFromJsonAsync<JsonElement>(new Uri(shared.World.A.Url, "/session/" + session), Stop);

    private static async Task<string> SessionAsync(RunningService replica)
    {
        using var response = await LlmSystem.PostAsync(
            replica,
            "/session",
            new { provider = "openai", model = "gpt-4o" }
        );
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Stop)).GetProperty("session_id").GetString()!;
    }

    private static async Task SendAsync(RunningService replica, string session, string content)
    {
        using var response = await LlmSystem.PostAsync(replica, "/message/" + session, new { content });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = shared.World.System.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Stop);
    }
}
