using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>A standby is promoted while readers are connected: only those that have lost events notice.</summary>
[Trait("Takes", "long")]
public sealed class PromotionTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    [Fact]
    public async Task No_reader_notices_any_number_of_promotions_that_lose_nothing()
    {
        await using var system = await StartAsync();
        var (a, b) = (system.Replicas[0], system.Replicas[1]);
        await using var onA = await SseReader.OpenAtAsync(a.Url, Stream);
        await using var onB = await SseReader.OpenAtAsync(b.Url, Stream + "&slow=latest");
        var ids = new List<string>(await World.RepeatNumbersAsync(a, "t.1", 1, 5));
        var server = rig.Origin;
        for (var round = 1; round <= 3; round++)
        {
            foreach (var open in (SseReader[])[onA, onB])
                await open.WaitForEventsAsync(ids.Count);
            system.Postgres.Cut();
            server = await rig.PromoteAsync(server);
            system.Postgres.Redirect(server.Port);
            await WritableAsync(system);
            ids.AddRange(await World.RepeatNumbersAsync(a, "t.1", ids.Count + 1, 3));
            ids.AddRange(await World.RepeatNumbersAsync(b, "t.1", ids.Count + 1, 3));
            Assert.Equal(round + 1, ids.Select(Epoch).Distinct().Count());
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
        ids.AddRange(await World.RepeatNumbersAsync(a, "t.1", ids.Count + 1, 3));
        foreach (var open in (SseReader[])[onA, onB])
        {
            await open.WaitForEventsAsync(ids.Count);
            AssertNumbers(open, 1, ids.Count);
            Assert.Equal(ids, open.Events.Select(f => f.Id));
        }
        // From ids of each epoch, on the replica that was first and on the other.
        foreach (var had in (int[])[1, 5, 6, 11, 12, 22])
        {
            var replica = had % 2 == 0 ? a : b;
            await using var returning = await SseReader.OpenAtAsync(replica.Url, Stream, ids[had - 1]);
            await returning.WaitForEventsAsync(ids.Count - had);
            AssertNumbers(returning, had + 1, ids.Count - had);
            var history = await Requests.JsonAsync(
                replica.Url,
                HttpMethod.Get,
                $"/v1/events?topic=t.1&after={ids[had - 1]}"
            );
            Assert.Equal(
                ids.Skip(had).Select(Position),
                history
                    .GetProperty("events")
                    .EnumerateArray()
                    .Select(e => Position(e.GetProperty("position").GetString()!))
            );
        }
        await Eventually.HoldsAsync(
            async () =>
                (await Requests.GetAsync(a.Url, "/v1/replicas"))
                    .EnumerateArray()
                    .All(r => Epoch(r.Text("head")!) == Epoch(ids[^1])),
            "the replicas name the new epoch"
        );
        await system.WaitForModeAsync("live");
    }

    [Fact]
    public async Task A_promotion_that_lost_events_resyncs_only_the_readers_that_had_them()
    {
        await using var system = await StartAsync();
        var (a, b) = (system.Replicas[0], system.Replicas[1]);
        await using var past = await SseReader.OpenAtAsync(a.Url, Stream);
        await using var quiet = await SseReader.OpenAtAsync(a.Url, "/v1/events/stream?topic=q");
        var kept = await World.RepeatNumbersAsync(a, "t.1", 1, 5);
        var received = await World.RepeatNumbersAsync(a, "q", 1, 1);
        await quiet.WaitForEventsAsync(1);
        var server = await rig.PromoteAsync(rig.Origin);
        var lost = await World.RepeatNumbersAsync(b, "t.1", 6, 3);
        await past.WaitForEventsAsync(8);
        // Its client has the id of the head, which is lost, and no event that is.
        await quiet.WaitAsync(r => r.LastId == lost[^1]);

        system.Postgres.Redirect(server.Port);
        await WritableAsync(system);
        await past.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        var resync = JsonDocument.Parse(past.Frames.Single(f => f.Event == "resync").Data!).RootElement;
        Assert.Equal(
            ("epoch", lost[^1]),
            (resync.GetProperty("reason").GetString(), resync.GetProperty("requested").GetString())
        );
        // At once, before the new epoch has an event for it.
        await quiet.WaitAsync(r => Epoch(r.LastId!) == Epoch(past.LastId!));
        var after = await World.RepeatNumbersAsync(b, "t.1", 9, 3);
        await World.RepeatNumbersAsync(a, "q", 2, 2);
        await quiet.WaitForEventsAsync(3);
        AssertNumbers(quiet, 1, 3);
        await past.WaitAsync(r => r.Events.Any(e => e.Id == after[^1]));
        Assert.Equal(
            ["9", "10", "11"],
            past.Frames.SkipWhile(f => f.Event != "resync").Where(f => f.Event == "n").Select(f => f.Data)
        );
        foreach (var replica in system.Replicas)
        {
            foreach (var id in (string[])[kept[0], kept[^1], received[0]])
            {
                await using var returning = await SseReader.OpenAtAsync(replica.Url, Stream, id);
                await returning.WaitAsync(r => r.Events.Any(e => e.Id == after[^1]));
                Assert.DoesNotContain(returning.Frames, f => f.Event == "resync");
                Assert.Equal(
                    [.. id == kept[0] ? ["2", "3", "4", "5"] : (string[])[], "9", "10", "11"],
                    returning.Events.Select(f => f.Data)
                );
            }
            await using var beyond = await SseReader.OpenAtAsync(replica.Url, Stream, lost[0]);
            await beyond.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        }
    }

    [Fact]
    public async Task A_generation_continues_after_a_promotion_unless_it_lost_events()
    {
        await using var system = await StartAsync();
        var (whole, text) = (await GenerateAsync(system, maxTokens: 240), "");
        await using (var reader = await OpenAsync(system, whole))
        {
            await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "token"));
            system.Postgres.Cut(); // its writer waits, so that the standby has everything
            Assert.DoesNotContain(reader.Frames, f => f.Event == "done");
            var complete = await rig.PromoteAsync(rig.Origin);
            system.Postgres.Redirect(complete.Port);
            await reader.WaitForEndAsync();
            Assert.Equal("done", reader.Frames.Last(f => f.Event is not null).Event);
            Assert.DoesNotContain(reader.Frames, f => f.Event is "resync" or "error");
            text = string.Concat(
                reader.Frames.Where(f => f.Event == "token").Select(f => f.Json().GetProperty("text").GetString())
            );
        }

        JsonElement state = default;
        await Eventually.HoldsAsync(
            async () =>
            {
                using var answer = await Requests.SendAsync(
                    system.Replicas[0].Url,
                    HttpMethod.Get,
                    $"/v1/generations/{whole}"
                );
                state = await answer.Content.ReadFromJsonAsync<JsonElement>();
                return answer.IsSuccessStatusCode;
            },
            "the replica reads the new primary"
        );
        Assert.Equal(("done", text), (state.Text("status"), state.Text("text")));

        var cut = await GenerateAsync(system, maxTokens: 2_000);
        await using var open = await OpenAsync(system, cut);
        await open.WaitAsync(r => r.Frames.Any(f => f.Event == "token"));
        var late = await rig.PromoteAsync(rig.Servers[^1]);
        var had = open.Frames.Count;
        await open.WaitAsync(r => r.Frames.Count > had + 5); // lost
        system.Postgres.Redirect(late.Port);
        await open.WaitForEndAsync();
        await using var returned = await OpenAsync(system, cut, open.LastId);
        await returned.WaitForEndAsync();
        Assert.Equal("resync", returned.Frames.First(f => f.Event is not null).Event);
        var end = returned.Frames.Last(f => f.Event is not null);
        Assert.Equal(("error", "interrupted"), (end.Event, end.Json().Text("reason")));
    }

    private static async Task<string> GenerateAsync(World system, int maxTokens) => (
            await Requests.JsonAsync(
                system.Replicas[0].Url,
                HttpMethod.Post,
                "/v1/generations",
                new
                {
                    model = "demo",
                    messages = new[] { new { role = "user", content = "Say something long." } },
                    maxTokens,
                }
            )
        ).GetProperty("id").GetString()!;

    private static Task<SseReader> OpenAsync(World system, string generation, string? lastId = null) =>
        SseReader.OpenAtAsync(system.Replicas[1].Url, $"/v1/generations/{generation}/stream", lastId);

    private async Task<World> StartAsync()
    {
        var database = await rig.CreateDatabaseAsync();
        return await World.Start(o =>
            o.Replicas(2)
                .Set("EventStore:CommandTimeoutSeconds", 2)
                .Set("Streaming:PositionSeconds", 1)
                .Database(database)
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

    private static void AssertNumbers(SseReader reader, int from, int count)
    {
        Assert.DoesNotContain(reader.Frames, f => f.Event == "resync");
        Assert.Equal(
            Enumerable.Range(from, count),
            reader.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture))
        );
    }

    private static string Epoch(string id) => id.Split('-')[0];

    private static long Position(string id) => long.Parse(id.Split('-')[1], CultureInfo.InvariantCulture);
}
