using Integration.Seeds;

namespace Integration.Llm;

/// <summary>An acknowledged message is answered, whatever happens to the replica or the store meanwhile.</summary>
public sealed class SessionTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private Npgsql.NpgsqlDataSource Store => World.Database;

    [Theory]
    [InlineData("stopped")]
    [InlineData("killed")]
    public async Task A_replica_that_is_stopped_or_killed_leaves_the_messages_that_wait_to_the_others(string end)
    {
        await using var leaving = await MortalReplica.StartAsync(
            World,
            new() { ["AspireSse__Runs__DrainSeconds"] = "1" }
        );
        var asked = new TaskCompletionSource();
        var session = await LlmSystem.SessionAsync(leaving.Service);

        await LlmSystem.SendAsync(leaving.Service, session, Upstream.Stopping(asked, "begun "));
        // Before the stream: the replica of a stream answers too.
        await asked.Task;
        await using var reader = await SseReader.OpenAsync(B.Url, "/stream/" + session).ToEventsAsync(1);

        await LlmSystem.SendAsync(leaving.Service, session, Upstream.Saying("second"));
        await (end == "stopped" ? leaving.Service.StopAsync(Stop) : leaving.KillAsync());
        await LlmSystem.AnsweredAsync(reader, 2);
        Assert.Single(reader.Events, e => e.Data!.Contains("interrupted", StringComparison.Ordinal));
        Assert.Equal("begun second", LlmSystem.Text(reader.Events, "data"));
    }

    [Fact]
    public async Task A_stopping_replica_leaves_a_message_whose_answer_has_no_text_yet_to_the_others()
    {
        await using var leaving = await World.StartReplicaAsync(new() { ["AspireSse__Runs__DrainSeconds"] = "1" });
        var asked = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            asked.TrySetResult();
            if (request.Attempt == 1)
                await Task.Delay(Timeout.Infinite, request.Gone);
            await request.SayAsync("answer");
        });
        var session = await LlmSystem.SessionAsync(leaving);

        await LlmSystem.SendAsync(leaving, session, prompt);
        // Before the stream: the replica of a stream answers too.
        await asked.Task;
        await using var reader = await SseReader.OpenAsync(B.Url, "/stream/" + session);

        await leaving.StopAsync(Stop);
        await LlmSystem.AnsweredAsync(reader);
        Assert.Equal("answer", LlmSystem.Text(reader.Events, "data"));
        Assert.Equal(2, reader.Events.Count());
    }

    [Fact]
    public async Task A_turn_that_the_store_has_ended_is_followed_by_the_next_one()
    {
        var go = new TaskCompletionSource();
        var first = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("begun ");
            await go.Task;
            await request.TokenAsync("lost");
            await request.EndAsync(2);
        });
        var session = await LlmSystem.SessionAsync(A);
        await using var reader = await SseReader.OpenAsync(A.Url, "/stream/" + session);

        await LlmSystem.SendAsync(A, session, first);
        await reader.WaitForEventsAsync(1);
        // By the outbox, so that no replica is asked for an answer.
        await Store.ExecuteAsync(
            $$"""
            insert into eventstore.outbox (topic, type, key, data)
            values ('sessions.{{session}}.log', 'message', 'second', '{"content":"{{Upstream.Saying("second")}}"}')
            """
        );

        await Eventually.HoldsAsync(
            async () => (await SeedRequests.GetAsync(A.Url, "/session/" + session)).Items("turns").Count() == 2,
            "the second message is stored"
        );
        // As for a run whose last event was lost in a promotion.
        await Store.ExecuteAsync($"select eventstore.lock_log(), eventstore.end_by_will(array['sessions.{session}'])");
        go.SetResult();
        await LlmSystem.AnsweredAsync(reader, 2);
        Assert.Equal("begun second", LlmSystem.Text(reader.Events, "data"));
    }

    [Fact]
    public async Task A_turn_is_answered_although_the_store_does_not_answer_its_first_reads()
    {
        // By its name, so that no connection of another replica is broken.
        var store = World.DirectDatabase;
        store.ApplicationName = "broken_replica";
        await using var replica = await World.StartReplicaAsync(
            new() { ["ConnectionStrings__eventstore"] = store.ConnectionString }
        );
        var session = await LlmSystem.SessionAsync(replica);
        await using var reader = await SseReader.OpenAtAsync(replica.Url, "/stream/" + session);

        // Breaks the replica's idle connections when the turn begins.
        await Store.ExecuteAsync(
            $$"""
            create table broken_connections (pid integer, is_broken boolean);
            create function break_connections() returns trigger language plpgsql as $body$
            begin
                insert into public.broken_connections
                select pid, pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and application_name = '{{store.ApplicationName}}'
                    and pid <> pg_backend_pid() and state = 'idle' and query not like 'listen%';
                return null;
            end $body$;
            create trigger break_connections after insert on eventstore.runs for each row
            when (new.run = 'sessions.{{session}}') execute function break_connections()
            """
        );

        try
        {
            await LlmSystem.SendAsync(replica, session, Upstream.Saying("answer"));
            await LlmSystem.AnsweredAsync(reader);
        }
        finally
        {
            await Store.ExecuteAsync("drop function break_connections() cascade");
        }

        var broken = await Store.AskAsync<long>("select count(*) from broken_connections where is_broken");
        Assert.True(broken > 0, "no connection was broken");
        await Store.ExecuteAsync("drop table broken_connections");
        Assert.Equal("answer", LlmSystem.Text(reader.Events, "data"));
        Assert.Equal(2, reader.Events.Count());
        await World.StopAsync(replica);
    }

    [Fact]
    public async Task Messages_that_wait_for_an_answer_do_not_make_its_replica_try_in_vain_to_begin_another_one()
    {
        var (asked, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = Upstream.On(async request =>
        {
            asked.TrySetResult();
            await go.Task;
            await request.SayAsync("first");
        });
        var session = await LlmSystem.SessionAsync(A);
        await using var reader = await SseReader.OpenAsync(A.Url, "/stream/" + session);

        await Store.ExecuteAsync(
            $$"""
            create table vain_tries (run text);
            create function note_vain_try() returns trigger language plpgsql as $body$
            begin
                insert into public.vain_tries select run from eventstore.runs where run = new.run;
                return new;
            end $body$;
            create trigger note_vain_try before insert on eventstore.runs for each row
            when (new.run = 'sessions.{{session}}') execute function note_vain_try()
            """
        );

        try
        {
            await LlmSystem.SendAsync(A, session, first);
            await asked.Task;
            foreach (var text in (string[])["second", "third", "fourth"])
                await LlmSystem.SendAsync(A, session, Upstream.Saying(text));
            go.SetResult();
            await LlmSystem.AnsweredAsync(reader, 4);
        }
        finally
        {
            await Store.ExecuteAsync("drop function note_vain_try() cascade");
        }

        Assert.Equal("firstsecondthirdfourth", LlmSystem.Text(reader.Events, "data"));
        Assert.Equal(0, await Store.AskAsync<long>("select count(*) from vain_tries"));
        await Store.ExecuteAsync("drop table vain_tries");
    }

    [Fact]
    public async Task A_session_whose_log_lost_its_start_keeps_its_provider_and_resyncs_readers_with_numbers()
    {
        var asked = new { provider = "openai", model = "gpt-4o" };
        var session = (await LlmSystem.AnswerAsync(A, "/session", asked)).Text("session_id")!;
        await using var reader = await SseReader.OpenAsync(A.Url, "/stream/" + session);
        var created = await StateAsync();

        await LlmSystem.SendAsync(A, session, Upstream.Saying("dropped"));
        await LlmSystem.AnsweredAsync(reader);
        var end = reader.LastId!.Split('-')[1];

        await LlmSystem.SendAsync(A, session, Upstream.Saying("first"));
        await LlmSystem.AnsweredAsync(reader, 2);
        // As by retention.
        await Store.ExecuteAsync(
            $"delete from eventstore.events where topic like 'sessions.{session}%' and position <= {end}"
        );

        await using (var counting = await SseReader.OpenAsync(B.Url, "/stream/" + session, "3").ToEventsAsync(2))
        {
            Assert.Equal("expired", counting.Resync()?.Text("reason"));
            Assert.Equal(reader.Events.Skip(2), counting.Events);
        }

        await LlmSystem.SendAsync(B, session, Upstream.Saying("second"));
        await LlmSystem.AnsweredAsync(reader, 3);
        Assert.Equal("droppedfirstsecond", LlmSystem.Text(reader.Events, "data"));
        Assert.Equal(("openai", "gpt-4o", created.CreatedAt), await StateAsync());

        async Task<(string? Provider, string? Model, string? CreatedAt)> StateAsync()
        {
            var state = await SeedRequests.GetAsync(A.Url, "/session/" + session);
            return (state.Text("provider"), state.Text("model"), state.Text("createdAt"));
        }
    }

    [Fact]
    public async Task A_number_too_high_to_count_gets_a_resync_and_the_whole_session()
    {
        const int Events = 10_002;
        var session = await LlmSystem.SessionAsync(A);
        await Store.ExecuteAsync(
            $$"""
            insert into eventstore.outbox (topic, type, data)
            select 'sessions.{{session}}', 'content', '{"type":"content","data":"x"}'
            from generate_series(1, {{Events}})
            """
        );

        await using var whole = await ReadAsync("0", Events);
        await using var counting = await ReadAsync("10001", Events);
        Assert.Equal("expired", counting.Resync()?.Text("reason"));

        await using var last = await ReadAsync("10000", Events - 10_000);
        Assert.Null(last.Resync());

        Task<SseReader> ReadAsync(string from, int count) =>
            SseReader.OpenAsync(B.Url, "/stream/" + session, from).ToEventsAsync(count);
    }

    [Fact]
    public async Task An_answer_that_an_operator_closes_does_not_look_complete()
    {
        // Every stream of the replica is closed.
        await using var own = await World.Start(o => o.Broadcasters(0).Set(LlmSystem.Settings(Upstream)));
        var server = own.Replicas[0];
        var prompt = Upstream.Stopping(tokens: "begun ");
        await using var chat = await LlmSystem.ChatAsync(server, prompt, "openai");
        await using var openAi = await LlmSystem.OpenAsync(server, Completions, LlmSystem.VendorQuestion(prompt));
        await using var anthropic = await LlmSystem.OpenAsync(server, Messages, LlmSystem.VendorQuestion(prompt));
        SseReader[] answers = [chat, openAi, anthropic];
        foreach (var answer in answers)
            await answer.WaitAsync(r => r.Events.Any(e => e.Data!.Contains("begun ", StringComparison.Ordinal)));

        var open = await SeedRequests.GetAsync(server.Url, "/v1/connections?limit=1000");
        foreach (var id in open.Items("connections").Select(row => row.Text("id")))
            (await SeedRequests.SendAsync(server.Url, HttpMethod.Delete, "/v1/connections/" + id)).Dispose();

        foreach (var answer in answers)
        {
            await answer.WaitForEndAsync();
            Assert.True(answer.EndedProperly);
            Assert.Contains("\"error\":", answer.Events.Last().Data, StringComparison.Ordinal);
        }
    }
}
