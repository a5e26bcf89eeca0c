using System.Text.Json;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>Readers that return to positions which retention has dropped.</summary>
public sealed class ExpiredReaderTests
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    [Fact]
    public async Task A_reader_behind_retention_gets_a_resync_and_continues_from_the_oldest_event()
    {
        await using var system = await World.Start(o =>
            o.Set("AspireSse:EventStore:MaxAge", "1.00:00:00")
                .Set("AspireSse:EventStore:RetentionSeconds", 1)
                .Set("AspireSse:Streaming:RecentEvents", 0)
                .Set("AspireSse:Streaming:RingEvents", 16)
        );
        await PartitionSpan.SetAsync(system.Database, 100);

        var positions = await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 450);
        await system.Database.ExecuteAsync(
            "update eventstore.events set time = time - interval '2 days' where position < 400"
        );
        await Eventually.HoldsAsync(async () => await DroppedThroughAsync(system) >= 300, "old partitions are dropped");

        await using var behind = await SseReader.OpenAsync(system.Replicas[0].Url, Stream, positions[0]);
        await behind.WaitAsync(r => r.Events.Any(e => e.Data == "450"));
        var resync = Assert.Single(behind.Resyncs);

        Assert.Equal(("expired", positions[0]), (resync.Reason, resync.Requested));
        var kept = positions.Select(World.Position).Where(p => p > World.Position(resync.ResumedFrom)).ToList();
        Assert.Equal(kept, behind.Events.Select(e => World.Position(e.Id!)));

        var history = await SeedRequests.GetAsync(
            system.Replicas[0].Url,
            $"/v1/events?topic=t.*&limit=1000&after={positions[0]}"
        );
        var told = history.GetProperty("resync");
        Assert.Equal(
            ("expired", positions[0], resync.ResumedFrom),
            (told.Text("reason"), told.Text("requested"), told.Text("resumedFrom"))
        );
        Assert.Equal(kept.Count, history.GetProperty("events").GetArrayLength());

        var whole = await SeedRequests.GetAsync(system.Replicas[0].Url, "/v1/events?topic=t.*&limit=1");
        Assert.False(whole.TryGetProperty("resync", out _));

        await using var fresh = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream + "&from=earliest");
        await fresh.WaitAsync(r => r.Events.Any(e => e.Data == "450"));
        Assert.Empty(fresh.Resyncs);
    }

    [Fact]
    public async Task A_reader_behind_size_retention_gets_a_resync_and_skips_unused_positions()
    {
        await using var system = await World.Start(o =>
            o.Replicas(2)
                .Set("AspireSse:EventStore:MaxBytes", 1048576)
                .Set("AspireSse:EventStore:RetentionSeconds", 1)
                .Set("AspireSse:Streaming:RecentEvents", 0)
                .Set("AspireSse:Streaming:RingEvents", 16)
        );
        await using var live = await SseReader.OpenAtAsync(system.Replicas[1].Url, Stream);
        string first = "";
        var number = 0;

        await Eventually.HoldsAsync(
            async () =>
            {
                var positions = await World.PublishAsync(
                    system.Replicas[0],
                    [
                        .. Enumerable
                            .Range(0, 5)
                            .Select(_ => new EventBody(
                                "t.1",
                                "n",
                                new { n = ++number, noise = RetentionTests.Noise(30_000) }
                            )),
                    ]
                );

                if (first.Length == 0)
                    first = positions[0];

                await live.WaitForEventsAsync(number); // retention would overtake a live reader on a busy machine too
                return await DroppedThroughAsync(system) > 1_000_000;
            },
            "two partitions were begun before they were full, and the first are gone"
        );
        Assert.Equal(Enumerable.Range(1, number), Numbers(live));

        // Retention is done before the next reader comes: it would expire that one again.
        await system.Database.ExecuteAsync("select eventstore.retire_partitions('1 day', 900000)");
        await using var behind = await SseReader.OpenAsync(system.Replicas[1].Url, Stream, first);
        await behind.WaitAsync(r => r.Events.Any() && Numbers(r).Last() == number);

        var resync = Assert.Single(behind.Resyncs);
        Assert.Equal(("expired", first), (resync.Reason, resync.Requested));
        Assert.Equal(Enumerable.Range(Numbers(behind).First(), behind.Events.Count()), Numbers(behind));

        static IEnumerable<int> Numbers(SseReader reader) =>
            reader
                .Events.Where(e => e.Event == "n")
                .Select(e => JsonDocument.Parse(e.Data!).RootElement.GetProperty("n").GetInt32());
    }

    private static Task<long> DroppedThroughAsync(World system) =>
        system.Database.AskAsync<long>("select dropped_through from eventstore.store");
}
