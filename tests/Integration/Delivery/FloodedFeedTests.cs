using Harness;

namespace Integration.Delivery;

/// <summary>A replica whose feed waits for Postgres while Redis brings more than memory could hold.</summary>
[Trait("Takes", "long")]
public sealed class FloodedFeedTests
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";
    private const int Batches = 55,
        BatchEvents = 60,
        Events = Batches * BatchEvents;

    /// <summary>Smaller than <c>AspireSse:Relay:MaxDataBytes</c>, so that Redis brings all of it: 198 MB.</summary>
    private static readonly string Pad = new('x', 60_000);

    [Fact]
    public async Task It_holds_bounded_memory_and_then_delivers_every_event_once_and_in_order()
    {
        await using var system = await World.Start(o =>
            o.Replicas(0)
                .Broadcasters(0)
                .Set("AspireSse:EventStore:UnhealthySeconds", 1)
                .Set("AspireSse:EventStore:CommandTimeoutSeconds", 2)
        );
        // The publisher and the Broadcaster must work while the flooded replica does not, also on a busy machine.
        var direct = system.DirectSettings;
        direct["AspireSse__EventStore__CommandTimeoutSeconds"] = "15";
        direct["AspireSse__Relay__LeaseMilliseconds"] = "60000";

        var publisher = await system.StartReplicaAsync(direct);
        await system.StartBroadcasterAsync(direct);
        // The runtime ends a replica that holds more than it may: 64 MB of messages and what it is made of.
        var flooded = await system.StartReplicaAsync(
            new() { ["DOTNET_GCHeapHardLimit"] = "0xA000000", ["AspireSse__Streaming__RecentEvents"] = "0" }, // 160 MiB
            asProcess: true
        );

        await system.WaitForModeAsync("live");
        await using var reader = await StalledReader.OpenAsync(flooded.Url, Stream);
        await PublishAsync(publisher, 1, 2);

        await using (var level = await SseReader.OpenAtAsync(flooded.Url, Stream + "&from=earliest"))
            await level.WaitForEventsAsync(2);

        // Redis loses an event that Postgres alone can give: the feed stands still.
        system.Postgres.Cut();
        await ReplicaHealth.SaysAsync(flooded, "Postgres");
        system.Redis.Cut();

        var lost = await PublishAsync(publisher, 3, 2);
        // If they were relayed after the repair, they would not be lost.
        await system.WaitForRelayAsync(lost[^1]);
        system.Redis.Heal();
        await ReplicaHealth.SaysAsync(flooded, "only Postgres has");

        var before = system.Redis.Received;

        for (var batch = 0; batch < Batches; batch++)
        {
            await PublishAsync(publisher, 5 + batch * BatchEvents, BatchEvents);
            // Redis disconnects a subscriber for which 32 MB wait.
            var bytes = before + (batch + 1L) * BatchEvents * Pad.Length;
            await Eventually.HoldsAsync(
                () => system.Redis.Received > bytes,
                $"Redis has brought batch {batch}",
                () => flooded.Output
            );
        }

        await ReplicaHealth.SaysAsync(flooded, "only Postgres has");

        system.Postgres.Heal();
        var (numbers, _) = await reader.ReadToAsync(4 + Events);
        Assert.Equal(Enumerable.Range(1, 4 + Events), numbers);
        Assert.DoesNotContain("OutOfMemory", flooded.Output, StringComparison.Ordinal);
    }

    private static Task<string[]> PublishAsync(RunningService replica, int from, int count) =>
        World.PublishAsync(
            replica,
            [.. Enumerable.Range(from, count).Select(n => new EventBody("t.1", "n", new { n, pad = Pad }))]
        );
}
