namespace Integration.Delivery;

/// <summary>A server that was cut off for longer than the retention notifies its readers of the gap.</summary>
[Trait("Takes", "long")]
public sealed class BehindRetentionTests
{
    private const int Gone = 400,
        All = 455;
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    [Fact]
    public async Task A_replica_that_was_cut_off_resyncs_its_readers_past_the_dropped_events()
    {
        // The links are those of the first replica.
        await using var system = await StartAsync(replicas: 1);
        var others = system.DirectSettings;
        var publisher = await system.StartReplicaAsync(others);

        await system.StartBroadcasterAsync(others);
        await system.WaitForModeAsync("live");
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        var positions = await World.PublishNumbersAsync(publisher, "t.1", 1, 5);

        await reader.WaitForEventsAsync(5);
        system.Redis.Cut();
        system.Postgres.Cut();
        positions = [.. positions, .. await World.PublishNumbersAsync(publisher, "t.1", 6, All - 5)];
        await DropAsync(system);
        system.Postgres.Heal();
        system.Redis.Heal();
        await AssertToldAsync(reader, positions);
    }

    [Fact]
    public async Task A_leader_that_was_cut_off_relays_the_remaining_events_after_a_gap()
    {
        // The link to Postgres is the Broadcaster's.
        await using var system = await StartAsync(replicas: 0);
        var others = system.DirectSettings;
        // It must not read the store itself when a heartbeat is late.
        var reading = await system.StartReplicaAsync(
            new(others) { ["AspireSse__Streaming__RelayHeartbeatSeconds"] = "60" }
        );
        var publisher = await system.StartReplicaAsync(others);
        var leader = await system.StartBroadcasterAsync(new() { ["AspireSse__Relay__LeaseMilliseconds"] = "60000" });

        await system.WaitForModeAsync("live");
        await using var reader = await SseReader.OpenAtAsync(reading.Url, Stream);
        var positions = await World.PublishNumbersAsync(publisher, "t.1", 1, 5);

        await reader.WaitForEventsAsync(5);
        system.Postgres.Cut();
        positions = [.. positions, .. await AppendAsync(system)];
        await DropAsync(system);
        Assert.Equal(5, reader.Events.Count()); // it is still the leader and sends heartbeats
        system.Postgres.Heal();
        await AssertToldAsync(reader, positions);
        Assert.DoesNotContain("no longer the leader", leader.Output, StringComparison.Ordinal);
    }

    /// <summary>Stores the other events, of which no replica sends a page.</summary>
    private static async Task<string[]> AppendAsync(World system) =>
        (
            await system.Database.AskAsync<string[]>(
                $"""
                select array(select a.epoch || '-' || p.position from unnest(a.positions) p(position))
                from eventstore.append(array_fill(1, array[{All - 5}]),
                    array(select gen_random_uuid() from generate_series(6, {All})), array_fill(null::bytea, array[{All
                    - 5}]),
                    array_fill('t.1'::text, array[{All - 5}]), array_fill('n'::text, array[{All - 5}]),
                    array_fill(null::text, array[{All - 5}]), array(select n::text from generate_series(6, {All}) n),
                    array_fill(null::text, array[{All - 5}]), null, array_fill(false, array[{All - 5}])) a
                """
            )
        )!;

    private static async Task AssertToldAsync(SseReader reader, string[] positions)
    {
        await reader.WaitAsync(r => r.Events.Any(e => e.Data == $"{All}"));
        var resync = Assert.Single(reader.Resyncs);
        Assert.Equal(("expired", positions[4]), (resync.Reason, resync.Requested));
        Assert.Equal([.. positions[..5], .. positions[(Gone - 1)..]], reader.Events.Select(e => e.Id));
    }

    /// <summary>Settings with which replicas get events from the Broadcaster only and do not compare with the
    /// store.</summary>
    private static async Task<World> StartAsync(int replicas)
    {
        var system = await World.Start(o =>
            o.Replicas(replicas).Broadcasters(0).Set("AspireSse:Streaming:StoreCheckSeconds", 600)
        );
        await PartitionSpan.SetAsync(system.Database, 100);
        return system;
    }

    /// <summary>Drops what retention would: every partition but the newest.</summary>
    private static async Task DropAsync(World system) =>
        await system.Database.ExecuteAsync(
            """
            select eventstore.retire_partitions(interval '0', 9000000000000000000);
            do $$
            declare part text;
            begin
                for part in select name from eventstore.retired_partitions() loop
                    execute format('drop table eventstore.%I', part);
                end loop;
            end $$
            """
        );
}
