using System.Globalization;
using System.Text.Json;
using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>An id belongs to one history of positions. If the store continues without its event, the returning client
/// gets a resync.</summary>
[Trait("Takes", "long")]
public sealed class HistoryTests(PromotionRig rig) : IClassFixture<PromotionRig>
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    [Fact]
    public async Task After_a_promotion_streams_continue_and_readers_of_lost_events_get_a_resync()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var system = await World.Start(o => o.Database(database));
        var kept = await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 5);
        var standby = await rig.PromoteAsync(rig.Origin);
        var lost = await World.PublishNumbersAsync(system.Replicas[0], "t.1", 6, 2);
        var promoted = await system.StartReplicaAsync(At(standby.At(database.Database!).ConnectionString));
        await AssertResumesAsync(promoted, kept);
        await AssertOtherHistoryAsync(promoted, lost, eventsKept: 5);
    }

    [Fact]
    public async Task A_standby_that_takes_over_resyncs_every_reader_that_has_lost_positions()
    {
        var database = await rig.CreateDatabaseAsync();
        await using var system = await World.Start(o =>
            o.Replicas(2)
                .Set("EventStore:CommandTimeoutSeconds", 2)
                // In mode live, what Redis does not bring does not come from the store either.
                .Set("Streaming:StoreCheckSeconds", 600)
                .Database(database)
        );
        var (a, b) = (system.Replicas[0], system.Replicas[1]);
        await using var open = await SseReader.OpenAtAsync(a.Url, Stream);
        var kept = await World.RepeatNumbersAsync(a, "t.1", 1, 5);
        var standby = await rig.PromoteAsync(rig.Origin);
        // Acknowledged, delivered, and not on the standby.
        var lost = await World.RepeatNumbersAsync(a, "t.1", 6, 3);
        await open.WaitForEventsAsync(8);
        await using var away = await SseReader.OpenAtAsync(b.Url, Stream, kept[0]);
        await away.WaitForEventsAsync(7);

        system.Postgres.Redirect(standby.Port);
        foreach (var reader in (SseReader[])[open, away])
        {
            await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
            var resync = JsonDocument.Parse(reader.Frames.Single(f => f.Event == "resync").Data!).RootElement;
            Assert.Equal(
                ("epoch", lost[^1]),
                (resync.GetProperty("reason").GetString(), resync.GetProperty("requested").GetString())
            );
        }
        await World.RepeatNumbersAsync(a, "t.1", 9, 1);
        // The positions of 10 and 11 were once those of 7 and 8.
        var published = await World.RepeatNumbersAsync(b, "t.1", 10, 3);
        foreach (var reader in (SseReader[])[open, away])
        {
            await reader.WaitAsync(r => r.LastId == published[^1]);
            Assert.Equal(
                ["9", "10", "11", "12"],
                reader.Frames.SkipWhile(f => f.Event != "resync").Where(f => f.Event == "n").Select(f => f.Data)
            );
        }
        // And again through Redis, when the leader has found the new history too.
        await system.WaitForModeAsync("live");
        await World.RepeatNumbersAsync(b, "t.1", 13, 1);
        await open.WaitAsync(r => r.Events.Any(e => e.Data == "13"));

        await using var returning = await SseReader.OpenAtAsync(b.Url, Stream, lost[0]);
        await returning.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        await using var fresh = await SseReader.OpenAtAsync(b.Url, Stream + "&from=earliest");
        await fresh.WaitForEventsAsync(10);
        Assert.Equal(
            [1, 2, 3, 4, 5, 9, 10, 11, 12, 13],
            fresh.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture))
        );
    }

    [Fact]
    public async Task A_restored_copy_continues_with_the_ids_of_its_events()
    {
        await using var system = await World.Start();
        var positions = await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 5);
        foreach (var service in (RunningService[])[.. system.Replicas, .. system.Broadcasters])
            await service.DisposeAsync();
        var original = system.DirectDatabase;
        var restored = original.Database + "_restored";

        await using (
            var admin = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(original.ConnectionString)
                {
                    Database = "postgres",
                    Pooling = false,
                }.ConnectionString
            )
        )
        {
            await admin.OpenAsync(TestContext.Current.CancellationToken);
            foreach (
                var sql in (string[])
                    [
                        $"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{original.Database}'",
                        $"create database \"{restored}\" template \"{original.Database}\"",
                    ]
            )
            {
                await using var command = new NpgsqlCommand(sql, admin);
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            }
        }

        original.Database = restored;
        var replica = await system.StartReplicaAsync(At(original.ConnectionString));
        await AssertResumesAsync(replica, positions);

        var next = await World.PublishNumbersAsync(replica, "t.1", 6, 1);
        Assert.NotEqual(positions[0].Split('-')[0], next[0].Split('-')[0]);
    }

    [Fact]
    public async Task An_operator_can_declare_another_history_which_keeps_every_event()
    {
        await using var system = await World.Start(o => o.Set("Streaming:HeadMilliseconds", 10000));
        await using var open = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        var positions = await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 5);
        await open.WaitForEventsAsync(5);
        await using (var declare = system.Database.CreateCommand("select eventstore.new_epoch()"))
            await declare.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await open.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        await AssertOtherHistoryAsync(system.Replicas[0], positions, eventsKept: 5);
    }

    // Its own channel without a Broadcaster, so the replica reads Postgres.
    private static Dictionary<string, string> At(string connectionString) =>
        new() { ["ConnectionStrings__eventstore"] = connectionString, ["EventStore__Channel"] = "nobody-speaks-here" };

    private static async Task AssertResumesAsync(RunningService replica, string[] positions)
    {
        await using var returning = await SseReader.OpenAtAsync(replica.Url, Stream, positions[0]);
        await returning.WaitForEventsAsync(positions.Length - 1);
        Assert.DoesNotContain(returning.Frames, f => f.Event == "resync");
        Assert.Equal(
            Enumerable.Range(2, positions.Length - 1).Select(n => $"{n}"),
            returning.Events.Select(f => f.Data)
        );
    }

    private static async Task AssertOtherHistoryAsync(RunningService replica, string[] positions, int eventsKept)
    {
        await using var returning = await SseReader.OpenAtAsync(replica.Url, Stream, positions[^1]);
        await returning.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        var resync = JsonDocument.Parse(returning.Frames.Single(f => f.Event == "resync").Data!).RootElement;
        Assert.Equal(
            ("epoch", positions[^1]),
            (resync.GetProperty("reason").GetString(), resync.GetProperty("requested").GetString())
        );
        var published = await World.PublishNumbersAsync(replica, "t.1", 6, 1);
        await returning.WaitForEventsAsync(1);
        Assert.Equal(published[0], returning.LastId);
        await using var fresh = await SseReader.OpenAtAsync(replica.Url, Stream + "&from=earliest");
        await fresh.WaitForEventsAsync(eventsKept + 1);
        Assert.Equal(Enumerable.Range(1, eventsKept + 1).Select(n => $"{n}"), fresh.Events.Select(e => e.Data));
    }
}
