using System.Globalization;
using System.Text.Json;

namespace Integration.Delivery;

/// <summary>Readers that return to positions which retention has dropped.</summary>
public sealed class ExpiredReaderTests
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    [Fact]
    public async Task A_reader_behind_retention_gets_a_resync_and_continues_from_the_oldest_event()
    {
        await using var system = await World.Start(o =>
            o.Set("EventStore:MaxAge", "00:00:00.001")
                .Set("EventStore:RetentionSeconds", 1)
                .Set("Streaming:RecentEvents", 0)
                .Set("Streaming:RingEvents", 16)
        );
        await using (
            var narrow = system.Database.CreateCommand(
                """
                update eventstore.store set partition_span = 100;
                drop table eventstore.events_000000000;
                select eventstore.ensure_partition(0), eventstore.ensure_partition(100)
                """
            )
        )
            await narrow.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        var positions = await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 450);
        long dropped = 0;
        await Eventually.HoldsAsync(
            async () =>
            {
                await using var ask = system.Database.CreateCommand("select dropped_through from eventstore.store");
                return (dropped = (long)(await ask.ExecuteScalarAsync())!) >= 300;
            },
            "old partitions are dropped"
        );

        await using var behind = await SseReader.OpenAsync(system.Replicas[0].Url, Stream, positions[0]);
        await behind.WaitAsync(r => r.Events.Any(e => e.Data == "450"));
        var resync = JsonDocument.Parse(behind.Frames.Single(f => f.Event == "resync").Data!).RootElement;
        Assert.Equal(
            ("expired", positions[0]),
            (resync.GetProperty("reason").GetString(), resync.GetProperty("requested").GetString())
        );
        var kept = positions
            .Select(Position)
            .Where(p => p > Position(resync.GetProperty("resumedFrom").GetString()!))
            .ToList();
        Assert.Equal(kept, behind.Events.Select(e => Position(e.Id!)));
        await using var fresh = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream + "&from=earliest");
        await fresh.WaitAsync(r => r.Events.Any(e => e.Data == "450"));
        Assert.DoesNotContain(fresh.Frames, f => f.Event == "resync");

        static long Position(string id) => long.Parse(id.Split('-')[1], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_reader_behind_size_retention_gets_a_resync_and_skips_unused_positions()
    {
        await using var system = await World.Start(o =>
            o.Replicas(2)
                .Set("EventStore:MaxBytes", 1048576)
                .Set("EventStore:RetentionSeconds", 1)
                .Set("Streaming:RecentEvents", 0)
                .Set("Streaming:RingEvents", 16)
        );
        await using var live = await SseReader.OpenAtAsync(system.Replicas[1].Url, Stream);
        string first = "";
        var n = 0;
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
                                new { n = ++n, noise = RetentionTests.Noise(30_000) }
                            )),
                    ]
                );
                if (first.Length == 0)
                    first = positions[0];
                await live.WaitForEventsAsync(n); // retention would overtake a live reader on a busy machine too
                await using var ask = system.Database.CreateCommand("select dropped_through from eventstore.store");
                return (long)(await ask.ExecuteScalarAsync())! > 1_000_000;
            },
            "two partitions were begun before they were full, and the first are gone"
        );
        Assert.Equal(Enumerable.Range(1, n), Numbers(live));

        // Retention is done before the next reader comes: it would expire that one again.
        await using var retire = system.Database.CreateCommand("select eventstore.retire_partitions('1 day', 900000)");
        await retire.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await using var behind = await SseReader.OpenAsync(system.Replicas[1].Url, Stream, first);
        await behind.WaitAsync(r => r.Events.Any() && Numbers(r).Last() == n);
        var resync = JsonDocument.Parse(behind.Frames.Single(f => f.Event == "resync").Data!).RootElement;
        Assert.Equal(
            ("expired", first),
            (resync.GetProperty("reason").GetString(), resync.GetProperty("requested").GetString())
        );
        Assert.Equal(Enumerable.Range(Numbers(behind).First(), behind.Events.Count()), Numbers(behind));

        static IEnumerable<int> Numbers(SseReader reader) =>
            reader
                .Events.Where(e => e.Event == "n")
                .Select(e => JsonDocument.Parse(e.Data!).RootElement.GetProperty("n").GetInt32());
    }
}
