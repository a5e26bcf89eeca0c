using System.Net;

namespace Integration.Seeds;

public sealed class ResilientTests(AssemblyWide<SeedSystem> shared) : IClassFixture<AssemblyWide<SeedSystem>>
{
    private readonly string _path = $"/sse/resilient/s{Guid.NewGuid():N}";

    [Fact]
    public async Task Readers_on_all_replicas_share_one_source_and_missed_messages_are_replayed()
    {
        await using var a = await SseReader.OpenAtAsync(shared.World.A, _path);
        await using var b = await SseReader.OpenAtAsync(shared.World.B, _path);
        await a.WaitForEventsAsync(8);
        await using var whole = await SseReader.OpenAsync(shared.World.B, _path + "?last_event_id=0");
        await whole.WaitForEventsAsync(8);
        Assert.Equal(
            Enumerable.Range(1, 8).Select(n => (long)n),
            whole.Events.Take(8).Select(e => e.Json().GetProperty("id").GetInt64())
        );
        Assert.Equal(a.Events.Take(8), whole.Events.Take(8));
        await b.WaitForEventsAsync(3);
        Assert.Equal(b.Events.Take(3), whole.Events.SkipWhile(e => e.Id != b.Events.First().Id).Take(3));
        await using var rest = await SseReader.OpenAsync(shared.World.A, _path, "5");
        await rest.WaitForEventsAsync(1);
        Assert.Equal(6, rest.Events.First().Json().GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task A_number_beyond_the_sessions_last_one_gets_a_resync_from_the_head()
    {
        await using var reader = await SseReader.OpenAtAsync(shared.World.A, _path);
        await reader.WaitForEventsAsync(2);
        await using var beyond = await SseReader.OpenAsync(shared.World.B, _path + "?last_event_id=99999");
        await beyond.WaitForEventsAsync(1);
        var resync = beyond.Frames.Single(f => f.Event == "resync");
        Assert.Equal(
            ("future", "99999", resync.Id),
            (resync.Json().Text("reason"), resync.Json().Text("requested"), resync.Json().Text("resumedFrom"))
        );
        // From the head: earlier messages of the session are not sent again.
        Assert.True(beyond.Events.First().Json().GetProperty("id").GetInt64() > 2);
    }

    [Fact]
    public async Task A_number_names_its_message_even_after_retention_dropped_the_first_ones()
    {
        var session = _path.Split('/')[^1];
        await ExecuteAsync(
            $"insert into resilient.sessions (id, seen_at, next_id) values ('{session}', now(), 100051)"
        );

        await ExecuteAsync(
            $$"""
            insert into eventstore.outbox (topic, type, data)
            select 'sse.resilient.{{session}}', 'message', '{"id":' || n || '}' from generate_series(100001, 100050) n
            """
        );

        await using var whole = await SseReader.OpenAsync(shared.World.A, _path + "?last_event_id=0");
        await whole.WaitForEventsAsync(50);

        foreach (
            var (last, first, reason) in new[]
            {
                (100_040, 100_041, null),
                (100_000, 100_001, null),
                (5, 100_001, "expired"),
            }
        )
        {
            await using var reader = await SseReader.OpenAsync(shared.World.B, _path + $"?last_event_id={last}");
            await reader.WaitForEventsAsync(1);
            Assert.Equal((last, first), (last, reader.Events.First().Json().GetProperty("id").GetInt32()));
            Assert.Equal(reason, reader.Frames.SingleOrDefault(f => f.Event == "resync")?.Json().Text("reason"));
        }
    }

    [Fact]
    public async Task A_source_that_an_outage_stopped_is_restarted_for_its_readers()
    {
        await using var reader = await SseReader.OpenAtAsync(shared.World.A, _path);
        await reader.WaitForEventsAsync(1);
        // As when nobody could record the readers for longer than Resilient:IdleSeconds.
        await ExecuteAsync($"update resilient.sessions set next_at = null where id = '{_path.Split('/')[^1]}'");
        await reader.WaitForEventsAsync(reader.Events.Count() + 3);
    }

    [Fact]
    public async Task A_session_replays_more_than_a_thousand_messages_in_order()
    {
        await using (await SseReader.OpenAtAsync(shared.World.A, _path)) { }
        var session = _path.Split('/')[^1];
        // Clients cannot publish to this topic, so the test appends the messages as the source does.
        await using (
            var speak = shared.World.System.Database.CreateCommand(
                "insert into eventstore.outbox (topic, type, data) select $1, 'message', n::text "
                    + "from generate_series(1, 1100) n"
            )
        )
        {
            speak.Parameters.AddWithValue($"sse.resilient.{session}");
            await speak.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        await using var reader = await SseReader.OpenAsync(shared.World.B, _path + "?last_event_id=0");
        await reader.WaitAsync(r => Numbers(r).Count() >= 1_100);
        Assert.Equal(Enumerable.Range(1, 1_100), Numbers(reader));

        // The source's own messages, which may come between, are objects.
        static IEnumerable<int> Numbers(SseReader reader) =>
            reader.Events.Where(e => e.Data![0] != '{').Select(e => int.Parse(e.Data!, provider: null));
    }

    [Fact]
    public async Task A_failing_source_is_retried_three_times_then_given_up_and_its_readers_get_the_error()
    {
        await using var reader = await SseReader.OpenAtAsync(shared.World.A, _path);
        await reader.WaitForEventsAsync(1);
        await Requests.PostAsync(shared.World.B, _path + "/failure");
        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);
        // Twice as long each time, up to the maximum (600 here).
        Assert.Equal(["200", "400", "600"], reader.Frames.Skip(1).Where(f => f.Retry is not null).Select(f => f.Retry));
        var error = reader.Events.Last();
        Assert.Equal(("error", true), (error.Event, error.Json().GetProperty("fatal").GetBoolean()));
        Assert.NotEmpty(error.Json().Text("error")!);

        using (var over = await Requests.SendAsync(shared.World.B, HttpMethod.Get, _path, lastId: error.Id))
            Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
        await Requests.JsonAsync(shared.World.A, HttpMethod.Delete, _path + "/failure");
        await using var fresh = await SseReader.OpenAtAsync(shared.World.B, _path);
        await fresh.WaitForEventsAsync(1);
        Assert.Null(fresh.Events.First().Event);

        // The source works again: a replay that passes the old error does not end there.
        await using var whole = await SseReader.OpenAsync(shared.World.A, _path + "?last_event_id=0");
        await whole.WaitAsync(r => r.Events.Any(e => e.Id == fresh.Events.First().Id));
        Assert.Equal(reader.Events.First().Id, whole.Events.First().Id);
        Assert.All(whole.Events, e => Assert.Null(e.Event));
        Assert.Contains(whole.Frames, f => f.Id == error.Id);
        Assert.Single(whole.Frames, f => f.Retry is not null);
    }

    [Fact]
    public async Task A_reader_that_returns_before_the_fatal_error_is_in_the_log_still_gets_it()
    {
        var session = _path.Split('/')[^1];
        await ExecuteAsync($"insert into resilient.sessions (id, seen_at, failed) values ('{session}', now(), true)");
        await ExecuteAsync(
            $$"""
            insert into eventstore.outbox (topic, type, data)
            select 'sse.resilient.{{session}}.control', 'retry', '1' from generate_series(1, 120) n
            union all select 'sse.resilient.{{session}}', 'message', '{"id":1}'
            """
        );
        await using var whole = await SseReader.OpenAsync(shared.World.A, _path, "0");
        await whole.WaitForEventsAsync(1);
        await using var reader = await SseReader.OpenAsync(shared.World.B, _path, whole.Events.Last().Id);
        await ExecuteAsync(
            $"""
            insert into eventstore.outbox (topic, type, data) values ('sse.resilient.{session}.control', 'error', '1')
            """
        );
        await reader.WaitForEndAsync();
        Assert.Equal("error", reader.Events.Last().Event);
    }

    [Fact]
    public async Task A_source_that_a_fast_clock_has_put_off_is_read_again_for_its_readers()
    {
        await using var reader = await SseReader.OpenAtAsync(shared.World.A, _path);
        await reader.WaitForEventsAsync(1);
        await ExecuteAsync(
            $"update resilient.sessions set next_at = now() + interval '1 hour' where id = '{_path.Split('/')[^1]}'"
        );
        await reader.WaitForEventsAsync(reader.Events.Count() + 2);
    }

    [Fact]
    public async Task A_source_that_recovers_says_how_often_it_was_retried()
    {
        await using var reader = await SseReader.OpenAtAsync(shared.World.A, _path);
        await reader.WaitForEventsAsync(1);
        await Requests.PostAsync(shared.World.A, _path + "/failure", new { times = 2 });
        await reader.WaitAsync(r => r.Events.Any(e => e.Json().GetProperty("retry_count").GetInt32() == 2));
        await reader.WaitAsync(r => r.Events.Last().Json().GetProperty("retry_count").GetInt32() == 0);
        var ids = reader.Events.Select(e => e.Json().GetProperty("id").GetInt64()).ToList();
        Assert.Equal(Enumerable.Range(1, ids.Count).Select(n => (long)n), ids);
        Assert.Equal(["200", "400"], reader.Frames.Skip(1).Where(f => f.Retry is not null).Select(f => f.Retry));
    }

    [Fact]
    public async Task A_killed_replica_leaves_the_source_to_the_other_and_the_reader_misses_nothing()
    {
        await using var system = await World.Start(o => o.Set(SeedSystem.Quick));
        var (staying, killed) = (system.Replicas[0], await system.StartReplicaAsync(asProcess: true));
        await using var first = await SseReader.OpenAtAsync(killed.Url, _path);
        await first.WaitForEventsAsync(5);
        killed.Process.Kill();
        await first.WaitForEndAsync();
        await using var second = await SseReader.OpenAsync(staying.Url, _path, first.LastId);
        await second.WaitForEventsAsync(5);
        var ids = first.Events.Concat(second.Events).Select(e => e.Json().GetProperty("id").GetInt64()).ToList();
        Assert.Equal(Enumerable.Range(1, ids.Count).Select(n => (long)n), ids);
    }

    [Fact]
    public async Task The_source_stops_some_time_after_the_last_reader_and_continues_for_the_next()
    {
        await using var system = await World.Start(o => o.Set(SeedSystem.Quick).Set("Resilient:IdleSeconds", 3));
        var server = system.Replicas[0].Url;
        await using (var reader = await SseReader.OpenAtAsync(server, _path))
            await reader.WaitForEventsAsync(2);
        await Eventually.HoldsAsync(async () => await NextAtAsync() is null, "the source stands still");
        await using var next = await SseReader.OpenAtAsync(server, _path);
        await next.WaitForEventsAsync(1);
        await Eventually.HoldsAsync(async () => await NextAtAsync() is not null, "the source goes on");

        async Task<object?> NextAtAsync()
        {
            await using var command = system.Database.CreateCommand("select next_at from resilient.sessions");
            return await command.ExecuteScalarAsync() is DateTime at ? at : null;
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = shared.World.System.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
