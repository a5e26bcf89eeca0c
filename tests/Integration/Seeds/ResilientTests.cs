using System.Net;

namespace Integration.Seeds;

public sealed class ResilientTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    private readonly string _session = $"s{Guid.NewGuid():N}";

    private string Path => $"/sse/resilient/{_session}";

    [Fact]
    public async Task Readers_on_all_replicas_share_one_source_and_missed_messages_are_replayed()
    {
        await using var first = await SseReader.OpenAtAsync(A, Path);
        await using var second = await SseReader.OpenAtAsync(B, Path);
        await first.WaitForEventsAsync(8);

        await using var whole = await SseReader.OpenAsync(B, Path + "?last_event_id=0").ToEventsAsync(8);
        Assert.Equal(Enumerable.Range(1, 8), Ids(whole.Events.Take(8)));
        Assert.Equal(first.Events.Take(8), whole.Events.Take(8));
        await second.WaitForEventsAsync(3);
        Assert.Equal(second.Events.Take(3), whole.Events.SkipWhile(e => e.Id != second.Events.First().Id).Take(3));

        await using var rest = await SseReader.OpenAsync(A, Path, "5").ToEventsAsync(1);
        Assert.Equal(6, Ids(rest.Events).First());
    }

    [Fact]
    public async Task A_number_beyond_the_sessions_last_one_gets_a_resync_from_the_head()
    {
        await using var reader = await SseReader.OpenAtAsync(A, Path);
        await reader.WaitForEventsAsync(2);
        await using var beyond = await SseReader.OpenAsync(B, Path + "?last_event_id=99999").ToEventsAsync(1);
        var resync = beyond.Frames.Single(f => f.Event == "resync");

        Assert.Equal(
            ("future", "99999", resync.Id),
            (resync.Json().Text("reason"), resync.Json().Text("requested"), resync.Json().Text("resumedFrom"))
        );
        // From the head: earlier messages of the session are not sent again.
        Assert.True(Ids(beyond.Events).First() > 2);
    }

    [Fact]
    public async Task A_number_names_its_message_even_after_retention_dropped_the_first_ones()
    {
        await Store.ExecuteAsync(
            $$"""
            insert into seeds.sessions (id, seen_at, next_id) values ('{{_session}}', now(), 100051);
            insert into eventstore.outbox (topic, type, data)
            select 'sse.resilient.{{_session}}', 'message', '{"id":' || n || '}' from generate_series(100001, 100050) n
            """
        );

        await using var whole = await SseReader.OpenAsync(A, Path + "?last_event_id=0").ToEventsAsync(50);

        foreach (
            var (last, first, reason) in ((int, int, string?)[])
                [(100_040, 100_041, null), (100_000, 100_001, null), (5, 100_001, "expired")]
        )
        {
            await using var reader = await SseReader.OpenAsync(B, Path + $"?last_event_id={last}").ToEventsAsync(1);
            Assert.Equal((last, first), (last, Ids(reader.Events).First()));
            Assert.Equal(reason, reader.Resync()?.Text("reason"));
        }
    }

    [Fact]
    public async Task A_source_that_an_outage_stopped_is_restarted_for_its_readers()
    {
        await using var reader = await SseReader.OpenAsync(A, Path).ToEventsAsync(1);
        // As when nobody could record the readers for longer than Resilient:IdleSeconds.
        await SetNextAsync("null");
        await reader.WaitForEventsAsync(reader.Events.Count() + 3);
    }

    [Fact]
    public async Task A_source_that_a_fast_clock_has_put_off_is_read_again_for_its_readers()
    {
        await using var reader = await SseReader.OpenAsync(A, Path).ToEventsAsync(1);
        await SetNextAsync("now() + interval '1 hour'");
        await reader.WaitForEventsAsync(reader.Events.Count() + 2);
    }

    [Fact]
    public async Task A_session_replays_more_than_a_thousand_messages_in_order()
    {
        await using (await SseReader.OpenAtAsync(A, Path)) { }

        // Clients cannot publish to this topic, so the test appends the messages as the source does.
        await Store.ExecuteAsync(
            $"""
            insert into eventstore.outbox (topic, type, data)
            select 'sse.resilient.{_session}', 'message', n::text from generate_series(1, 1100) n
            """
        );

        await using var reader = await SseReader.OpenAsync(B, Path + "?last_event_id=0");
        await reader.WaitAsync(r => Numbers(r).Count() >= 1_100);
        Assert.Equal(Enumerable.Range(1, 1_100), Numbers(reader));

        // The source's own messages, which may come between, are objects.
        static IEnumerable<int> Numbers(SseReader reader) =>
            reader.Events.Where(e => e.Data![0] != '{').Select(e => int.Parse(e.Data!, provider: null));
    }

    [Fact]
    public async Task A_failing_source_is_retried_three_times_then_given_up_and_its_readers_get_the_error()
    {
        await using var reader = await SseReader.OpenAsync(A, Path).ToEventsAsync(1);
        await SeedRequests.PostAsync(B, Path + "/failure");
        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);
        Assert.Equal(["200", "400", "800"], RetriesOf(reader));

        var error = reader.Events.Last();
        Assert.Equal(("error", true), (error.Event, error.Json().At("fatal").GetBoolean()));
        Assert.NotEmpty(error.Json().Text("error")!);

        using (var over = await SeedRequests.SendAsync(B, HttpMethod.Get, Path, lastId: error.Id))
            Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);

        await SeedRequests.JsonAsync(A, HttpMethod.Delete, Path + "/failure");
        await using var fresh = await SseReader.OpenAsync(B, Path).ToEventsAsync(1);
        Assert.Null(fresh.Events.First().Event);

        // The source works again: a replay that passes the old error does not end there.
        await using var whole = await SseReader.OpenAsync(A, Path + "?last_event_id=0");
        await whole.WaitAsync(r => r.Events.Any(e => e.Id == fresh.Events.First().Id));
        Assert.Equal(reader.Events.First().Id, whole.Events.First().Id);
        Assert.All(whole.Events, e => Assert.Null(e.Event));
        Assert.Contains(whole.Frames, f => f.Id == error.Id);
        Assert.Empty(RetriesOf(whole));
    }

    [Fact]
    public async Task A_reader_that_returns_before_the_fatal_error_is_in_the_log_still_gets_it()
    {
        await Store.ExecuteAsync(
            $$"""
            insert into seeds.sessions (id, seen_at, failed) values ('{{_session}}', now(), true);
            insert into eventstore.outbox (topic, type, data)
            select 'sse.resilient.{{_session}}.control', 'retry', '1' from generate_series(1, 120) n
            union all select 'sse.resilient.{{_session}}', 'message', '{"id":1}'
            """
        );

        await using var whole = await SseReader.OpenAsync(A, Path, "0").ToEventsAsync(1);
        await using var reader = await SseReader.OpenAsync(B, Path, whole.Events.Last().Id);
        await Store.ExecuteAsync(
            $"""
            insert into eventstore.outbox (topic, type, data) values ('sse.resilient.{_session}.control', 'failed', '1')
            """
        );
        await reader.WaitForEndAsync();
        Assert.Equal("error", reader.Events.Last().Event);
    }

    [Fact]
    public async Task A_source_that_recovers_says_how_often_it_was_retried()
    {
        await using var reader = await SseReader.OpenAsync(A, Path).ToEventsAsync(1);
        await SeedRequests.PostAsync(A, Path + "/failure", new { times = 2 });
        await reader.WaitAsync(r => r.Events.Any(e => e.Json().Number("retry_count") == 2));
        await reader.WaitAsync(r => r.Events.Last().Json().Number("retry_count") == 0);
        Assert.Equal(Enumerable.Range(1, reader.Events.Count()), Ids(reader.Events));
        Assert.Equal(["200", "400"], RetriesOf(reader));
    }

    [Fact]
    public async Task A_killed_replica_leaves_the_source_to_the_other_and_the_reader_misses_nothing()
    {
        await using var system = await World.Start(o => o.Set(SeedSystem.Quick));
        await using var killed = await MortalReplica.StartAsync(system);
        await using var first = await SseReader.OpenAsync(killed.Service.Url, Path).ToEventsAsync(5);
        var staying = system.Replicas[0].Url;

        await killed.KillAsync();
        await first.WaitForEndAsync();
        await using var second = await SseReader.OpenAsync(staying, Path, first.LastId).ToEventsAsync(5);
        var events = first.Events.Concat(second.Events).ToList();

        Assert.Equal(Enumerable.Range(1, events.Count), Ids(events));
    }

    [Fact]
    public async Task The_source_stops_some_time_after_the_last_reader_and_continues_for_the_next()
    {
        await using var system = await World.Start(o => o.Set(SeedSystem.Quick).Set("Resilient:IdleSeconds", 3));
        var server = system.Replicas[0].Url;
        await using (await SseReader.OpenAsync(server, Path).ToEventsAsync(2)) { }

        await Eventually.HoldsAsync(async () => await NextAsync() is null, "the source stands still");
        await using var next = await SseReader.OpenAsync(server, Path).ToEventsAsync(1);
        await Eventually.HoldsAsync(async () => await NextAsync() is not null, "the source goes on");

        Task<DateTime?> NextAsync() => system.Database.AskAsync<DateTime?>("select next_at from seeds.sessions");
    }

    private Task<int> SetNextAsync(string time) =>
        Store.ExecuteAsync($"update seeds.sessions set next_at = {time} where id = '{_session}'");

    /// <summary>The times of reconnection that the source's failures set.</summary>
    private static IEnumerable<string?> RetriesOf(SseReader reader) =>
        reader.Frames.Where(f => f is { Event: "position", Retry: not null }).Select(f => f.Retry);

    private static List<int> Ids(IEnumerable<Frame> messages) => [.. messages.Select(e => (int)e.Json().Number("id"))];
}
