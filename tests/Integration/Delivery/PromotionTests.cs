using System.Net.Http.Json;
using Integration.Seeds;
using Npgsql;

namespace Integration.Delivery;

/// <summary>A standby is promoted while readers are connected: only those that have lost events notice.</summary>
[Trait("Takes", "long")]
public sealed class PromotionTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string Stream = "/v1/events/stream?topic=t.%3E",
        MessageEnd = """{"type":"message_end"}""";

    [Fact]
    public async Task No_reader_notices_any_number_of_promotions_that_lose_nothing()
    {
        await using var system = await StartAsync();
        var (first, second) = (system.Replicas[0], system.Replicas[1]);
        await using var onA = await SseReader.OpenAtAsync(first.Url, Stream);
        await using var onB = await SseReader.OpenAtAsync(second.Url, Stream + "&slow=latest");
        var ids = new List<string>(await World.RepeatNumbersAsync(first, "t.1", 1, 5));
        var server = rig.Origin;

        for (var round = 1; round <= 2; round++)
        {
            foreach (var open in (SseReader[])[onA, onB])
                await open.WaitForEventsAsync(ids.Count);

            system.Postgres.Cut();
            server = await rig.PromoteAsync(server);
            system.Postgres.Redirect(server.Port);
            await WritableAsync(system);
            ids.AddRange(await World.RepeatNumbersAsync(first, "t.1", ids.Count + 1, 3));
            ids.AddRange(await World.RepeatNumbersAsync(second, "t.1", ids.Count + 1, 3));
            Assert.Equal(round + 1, ids.Select(World.Epoch).Distinct().Count());
        }

        // The first server was not shut down, and connections lead to it once more: it is not believed.
        system.Postgres.Redirect(rig.Origin.Port);

        foreach (var replica in system.Replicas)
            await Eventually.HoldsAsync(
                () => replica.Output.Contains("former primary", StringComparison.Ordinal),
                "the replica has asked the former primary"
            );

        system.Postgres.Redirect(server.Port);
        await WritableAsync(system);
        ids.AddRange(await World.RepeatNumbersAsync(first, "t.1", ids.Count + 1, 3));

        foreach (var open in (SseReader[])[onA, onB])
        {
            await open.WaitForEventsAsync(ids.Count);
            AssertNumbers(open, 1, ids.Count);
            Assert.Equal(ids, open.Events.Select(f => f.Id));
        }

        // From ids of each epoch, on the replica that was first and on the other.
        foreach (var had in (int[])[1, 5, 6, 11, 12, 18])
        {
            var replica = had % 2 == 0 ? first : second;
            await using var returning = await SseReader.OpenAtAsync(replica.Url, Stream, ids[had - 1]);
            await returning.WaitForEventsAsync(ids.Count - had);
            AssertNumbers(returning, had + 1, ids.Count - had);

            var history = await SeedRequests.JsonAsync(
                replica.Url,
                HttpMethod.Get,
                $"/v1/events?topic=t.1&after={ids[had - 1]}"
            );

            Assert.Equal(
                ids.Skip(had).Select(World.Position),
                history
                    .GetProperty("events")
                    .EnumerateArray()
                    .Select(e => World.Position(e.GetProperty("position").GetString()!))
            );
        }

        await Eventually.HoldsAsync(
            async () =>
                (await SeedRequests.GetAsync(first.Url, "/v1/replicas"))
                    .EnumerateArray()
                    .All(r => World.Epoch(r.Text("head")!) == World.Epoch(ids[^1])),
            "the replicas name the new epoch"
        );
        await system.WaitForModeAsync("live");
    }

    [Fact]
    public async Task A_promotion_that_lost_events_resyncs_only_the_readers_that_had_them()
    {
        await using var system = await StartAsync();
        var (first, second) = (system.Replicas[0], system.Replicas[1]);
        await using var past = await SseReader.OpenAtAsync(first.Url, Stream);
        await using var quiet = await SseReader.OpenAtAsync(first.Url, "/v1/events/stream?topic=q");
        var kept = await World.RepeatNumbersAsync(first, "t.1", 1, 5);
        var received = await World.RepeatNumbersAsync(first, "q", 1, 1);

        await quiet.WaitForEventsAsync(1);
        var server = await rig.PromoteAsync(rig.Origin);
        var lost = await World.RepeatNumbersAsync(second, "t.1", 6, 3);

        await past.WaitForEventsAsync(8);
        // Its client has the id of the head, which is lost, and no event that is.
        await quiet.WaitAsync(r => r.LastId == lost[^1]);

        system.Postgres.Redirect(server.Port);
        await WritableAsync(system);
        var resync = await past.ResyncAsync();

        Assert.Equal(("epoch", lost[^1]), (resync.Reason, resync.Requested));
        // At once, before the new epoch has an event for it.
        await quiet.WaitAsync(r => World.Epoch(r.LastId!) == World.Epoch(past.LastId!));
        var after = await World.RepeatNumbersAsync(second, "t.1", 9, 3);

        await World.RepeatNumbersAsync(first, "q", 2, 2);
        await quiet.WaitForEventsAsync(3);
        AssertNumbers(quiet, 1, 3);
        await past.WaitAsync(r => r.Events.Any(e => e.Id == after[^1]));
        Assert.Equal(
            ["9", "10", "11"],
            past.Frames.SkipWhile(f => f.Event != "resync").Where(f => f.Event == "n").Select(f => f.Data)
        );

        foreach (var replica in system.Replicas)
        {
            // Until a replica knows the new epoch, it may answer that its store does not.
            await KnownAsync(replica.Url, kept[^1], after[^1]);
            foreach (var id in (string[])[kept[0], kept[^1], received[0]])
            {
                await using var returning = await SseReader.OpenAtAsync(replica.Url, Stream, id);
                await returning.WaitAsync(r => r.Events.Any(e => e.Id == after[^1]));
                Assert.Empty(returning.Resyncs);
                Assert.Equal([.. id == kept[0] ? [2, 3, 4, 5] : (int[])[], 9, 10, 11], returning.Numbers);
            }

            await using var beyond = await SseReader.OpenAtAsync(replica.Url, Stream, lost[0]);
            await beyond.ResyncAsync();
            await using var fresh = await SseReader.OpenAtAsync(replica.Url, Stream + "&from=earliest");

            await fresh.WaitForEventsAsync(8);
            Assert.Equal([1, 2, 3, 4, 5, 9, 10, 11], fresh.Numbers);
        }

        // And through Redis, when the leader has found the new history too.
        await system.WaitForModeAsync("live");
        await World.RepeatNumbersAsync(second, "t.1", 12, 1);
        await past.WaitAsync(r => r.Numbers.Last() == 12);
    }

    [Fact]
    public async Task A_promotion_that_loses_nothing_interrupts_no_session_no_generation_and_no_outbox()
    {
        await using var system = await StartAsync(SeedSystem.Quick);
        var (left, right) = (system.Replicas[0].Url, system.Replicas[1].Url);

        // 1. A message of a session is answered, a run is complete, a generation and a source write.
        var session = (await SeedRequests.PostAsync(left, "/session")).Text("session_id");
        var run = "/stream?prompt=" + Uri.EscapeDataString("What is 12 * (3 + 4)?");
        await using var source = await SseReader.OpenAtAsync(left, "/sse/resilient/s");
        await using var chat = await SseReader.OpenAsync(left, $"/stream/{session}");

        await SeedRequests.PostAsync(left, $"/message/{session}", new { content = "first" });
        await chat.WaitAsync(r => r.Events.Any(e => e.Data == MessageEnd));
        await using var answer = await SseReader.OpenAsync(left, run);

        await answer.WaitForEndAsync();
        await source.WaitForEventsAsync(3);
        await using var rows = await SseReader.OpenAtAsync(left, Stream);

        await InsertAsync(system.Database, 1, 3);
        await rows.WaitForEventsAsync(3);
        var id = (
            await SeedRequests.PostAsync(
                left,
                "/v1/generations",
                new
                {
                    model = "demo",
                    messages = new[] { new { role = "user", content = "Say something long." } },
                    maxTokens = 240,
                }
            )
        ).Text("id");
        await using var generation = await SseReader.OpenAtAsync(right, $"/v1/generations/{id}/stream");

        await generation.WaitAsync(r => r.Frames.Any(f => f.Event == "token"));

        // 2. Their writers wait, so that the standby has everything; three rows of the outbox have not moved yet.
        system.Postgres.Cut();
        Assert.DoesNotContain(generation.Frames, f => f.Event == "done");
        await InsertAsync(system.Database, 4, 3);

        var server = await rig.PromoteAsync(rig.Origin);
        system.Postgres.Redirect(server.Port);

        // 3. All go on.
        var before = source.Events.Count();
        await source.WaitForEventsAsync(before + 3);
        await rows.WaitForEventsAsync(6);
        await generation.WaitForEndAsync();
        Assert.Equal("done", generation.Frames.Last(f => f.Event is not null).Event);
        // A client repeats what was refused while the replica looked for the new server.
        await Eventually.HoldsAsync(
            async () =>
            {
                var second = JsonContent.Create(new { content = "second" });
                using var sent = await SeedRequests.SendAsync(right, HttpMethod.Post, $"/message/{session}", second);
                return sent.IsSuccessStatusCode;
            },
            "the other replica has found the new server"
        );
        await chat.WaitAsync(r => r.Events.Count(e => e.Data == MessageEnd) == 2);

        await using var promoted = NpgsqlDataSource.Create(server.At(system.DirectDatabase.Database!).ConnectionString);
        await InsertAsync(promoted, 7, 1);
        await rows.WaitForEventsAsync(7);

        // 4. Nobody has lost anything, and their former ids are good.
        Assert.Equal(Enumerable.Range(1, 7), rows.Numbers);
        Assert.Empty(rows.Resyncs);
        await AssertFollowsAsync(right, "/sse/resilient/s", source);
        await AssertFollowsAsync(right, $"/stream/{session}", chat);
        await AssertFollowsAsync(right, run, answer);
        Assert.Equal(
            Enumerable.Range(1, before + 3),
            source.Events.Take(before + 3).Select(e => e.Json().GetProperty("id").GetInt32())
        );
        Assert.Equal(2, source.Events.Select(e => World.Epoch(e.Id!)).Distinct().Count());
        Assert.DoesNotContain(generation.Frames, f => f.Event is "resync" or "error");

        var text = generation
            .Frames.Where(f => f.Event == "token")
            .Select(f => f.Json().GetProperty("text").GetString());
        var stored = await SeedRequests.GetAsync(right, $"/v1/generations/{id}");
        Assert.Equal(("done", string.Concat(text)), (stored.Text("status"), stored.Text("text")));

        static Task InsertAsync(NpgsqlDataSource database, int first, int count) =>
            database.ExecuteAsync(
                "insert into eventstore.outbox (topic, type, data) "
                    + $"select 't.1', 'n', n::text from generate_series({first}, {first + count - 1}) n"
            );
    }

    /// <summary>Asserts that a reader with the first id of another one gets what that one got after it.</summary>
    private static async Task AssertFollowsAsync(Uri replica, string path, SseReader first)
    {
        var events = first.Events.ToList();
        Assert.DoesNotContain(first.Frames, f => f.Event is "resync" or "error");
        await using var returning = await SseReader.OpenAsync(replica, path, events[0].Id);

        await returning.WaitForEventsAsync(events.Count - 1);
        Assert.DoesNotContain(returning.Frames, f => f.Event is "resync" or "error");
        Assert.Equal(events.Skip(1).Select(Shown), returning.Events.Take(events.Count - 1).Select(Shown));

        // Without the epoch, which may differ in a frame that is sent again.
        static (string?, string?, string?) Shown(Frame frame) => (frame.Id?.Split('-')[1], frame.Event, frame.Data);
    }

    private async Task<World> StartAsync(Dictionary<string, string>? settings = null)
    {
        var database = await rig.CreateDatabaseAsync();
        return await World.Start(o =>
            o.Replicas(2).Set("AspireSse:Streaming:PositionSeconds", 1).Set(settings ?? []).Database(database)
        );
    }

    /// <summary>Waits for both replicas, without an event of the streams.</summary>
    private static async Task WritableAsync(World system)
    {
        foreach (var replica in system.Replicas)
            await Eventually.HoldsAsync(
                async () => (await World.PostAsync(replica, new EventBody("x", "x", 1))).IsSuccessStatusCode,
                "publishing works again"
            );
    }

    /// <summary>Waits until a reader that returns with one id receives the event with another.</summary>
    private static Task KnownAsync(Uri replica, string from, string to) =>
        Eventually.HoldsAsync(
            async () =>
            {
                await using var reader = await SseReader.OpenAtAsync(replica, Stream, from);
                await reader.WaitAsync(r => r.Events.Any(e => e.Id == to || e.Event == "error"));
                return reader.Events.Any(e => e.Id == to);
            },
            "the replica knows the new epoch"
        );

    private static void AssertNumbers(SseReader reader, int from, int count)
    {
        Assert.Empty(reader.Resyncs);
        Assert.Equal(Enumerable.Range(from, count), reader.Numbers);
    }
}
