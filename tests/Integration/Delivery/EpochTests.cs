using System.Globalization;
using System.Net;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>A new epoch begins while readers and replicas use the old one.</summary>
public sealed class EpochTests(EpochTests.Forgetful fixture) : IClassFixture<EpochTests.Forgetful>
{
    /// <summary>A replica with so little memory that readers wait for the store.</summary>
    public sealed class Forgetful : SharedWorld
    {
        protected override Dictionary<string, string> Settings =>
            new() { ["AspireSse__Streaming__RecentEvents"] = "0", ["AspireSse__Streaming__RingEvents"] = "16" };
    }

    /// <summary>New events would have positions that the replica has published already, and reach no open
    /// stream.</summary>
    [Fact]
    public async Task A_replica_is_unhealthy_while_its_restored_store_has_no_new_epoch()
    {
        await using var system = await World.Start(o => o.Set("AspireSse:Streaming:StoreCheckSeconds", 1));
        var replica = system.Replicas[0];
        await using var reader = await SseReader.OpenAtAsync(replica.Url, "/v1/events/stream?topic=t.1");

        await World.PublishNumbersAsync(replica, "t.1", 1, 5);
        await reader.WaitForEventsAsync(5);
        // As the files of a snapshot after the second event. The lock keeps the directory of topics from listing the
        // events that go.
        await system.Database.ExecuteAsync(
            "select pg_advisory_xact_lock(7303014, 2); delete from eventstore.events where position > 2; "
                + "select setval('eventstore.position', 2); "
                + "update eventstore.topic_directory set through = least(through, 2)"
        );

        const string Remedy = "restored without eventstore.new_epoch()";
        await ReplicaHealth.SaysAsync(replica, Remedy, HttpStatusCode.ServiceUnavailable);
        await system.Database.ExecuteAsync("select eventstore.new_epoch()");
        await reader.ResyncAsync();
        await ReplicaHealth.IsAsync(replica, HttpStatusCode.OK);
        await World.PublishNumbersAsync(replica, "t.1", 3, 1);
        await reader.WaitForEventsAsync(6);
        Assert.Equal(3, reader.Numbers.Last());
    }

    [Theory]
    [InlineData("reset")]
    [InlineData("new_epoch")]
    public async Task Readers_that_wait_for_the_store_during_a_change_of_epoch_get_the_new_one_once_and_in_order(
        string change
    )
    {
        const int Readers = 24;
        var system = fixture.System;
        var root = $"t{Guid.NewGuid():N}";
        await system.WaitForModeAsync("live"); // the case before has changed the epoch, too

        var before = await World.PublishNumbersAsync(system.Replicas[0], $"{root}.1", 1, 1_000);
        var readers = new List<SseReader>();
        await using (var connection = await system.Database.OpenConnectionAsync(TestContext.Current.CancellationToken))
        {
            await using var held = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
            // The locks of reset(), in its order: another one could deadlock with the outbox or the topic directory.
            await ExecuteAsync(
                "select pg_advisory_xact_lock(7303014, 3); lock table eventstore.outbox in access exclusive mode; "
                    + "select eventstore.lock_log(), pg_advisory_xact_lock(7303014, 2); lock table "
                    + "eventstore.topics, eventstore.topic_parts, eventstore.events in access exclusive mode"
            );

            // Each has its own filter, and so its own read.
            for (var i = 0; i < Readers; i++)
                readers.Add(
                    await SseReader.OpenAtAsync(
                        system.Replicas[0].Url,
                        $"/v1/events/stream?topic={root}.%3E&topic=x.{i}",
                        before[0]
                    )
                );

            await ExecuteAsync($"select eventstore.{change}()");
            await held.CommitAsync(TestContext.Current.CancellationToken);

            async Task ExecuteAsync(string sql)
            {
                await using var command = new Npgsql.NpgsqlCommand(sql, connection, held);
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            }
        }

        foreach (var reader in readers)
            await reader.WaitAsync(r => r.Resyncs.Any());

        await World.PublishNumbersAsync(system.Replicas[0], $"{root}.1", 2_001, 20);

        foreach (var reader in readers)
        {
            await reader.WaitAsync(r => r.Events.Any(e => e.Data == "2020"));
            var resync = reader.Frames.Last(f => f.Event == "resync");
            var from = World.Position(Resync.Of(resync).ResumedFrom);
            var after = reader.Frames.SkipWhile(f => f != resync).Skip(1).Where(f => f.Event == "n").ToList();

            Assert.Equal(
                Enumerable.Range(2_001, 20),
                after.Select(f => int.Parse(f.Data!, CultureInfo.InvariantCulture))
            );
            Assert.All(after, f => Assert.True(World.Position(f.Id!) > from, f.ToString()));
        }

        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task A_finite_stream_ends_with_its_epoch_and_a_returning_client_gets_all_of_it()
    {
        await using var system = await World.Start();

        var begun = await SeedRequests.PostAsync(
            system.Replicas[0].Url,
            "/v1/generations",
            new
            {
                model = "demo",
                messages = new[] { new { role = "user", content = "Say something long." } },
                maxTokens = 400,
            }
        );

        var path = begun.Text("stream")!;
        await using var open = await SseReader.OpenAtAsync(system.Replicas[0].Url, path);
        await open.WaitAsync(r => r.Frames.Any(f => f.Event == "token"));
        await system.Database.ExecuteAsync("select eventstore.new_epoch()");
        await open.WaitForEndAsync();
        Assert.True(open.EndedProperly);
        Assert.DoesNotContain(open.Frames, f => f.Event is "done" or "resync");
        Assert.NotNull(open.Frames[^1].Retry);

        await using var returned = await SseReader.OpenAtAsync(system.Replicas[0].Url, path, open.LastId);
        await returned.WaitAsync(r => r.Frames.Any(f => f.Event == "done"));

        var text = string.Concat(returned.Frames.Where(f => f.Event == "token").Select(f => f.Json().Text("text")));

        var generation = await SeedRequests.GetAsync(system.Replicas[0].Url, $"/v1/generations/{begun.Text("id")}");
        Assert.Equal(generation.Text("text"), text);
        Assert.Single(returned.Resyncs);
    }

    [Fact]
    public async Task A_new_epoch_whose_fences_start_again_is_relayed_by_Redis_too()
    {
        // Events come from Redis only: nothing compares with the store.
        await using var system = await World.Start(o =>
            o.Replicas(2).Broadcasters(0).Set("AspireSse:Streaming:StoreCheckSeconds", 600)
        );
        await system.Database.ExecuteAsync(
            "insert into eventstore.leases values ('broadcaster', 'nobody', 9000000, clock_timestamp())"
        );

        var old = await system.StartBroadcasterAsync();
        await system.WaitForModeAsync("live");
        await using var before = await SseReader.OpenAtAsync(system.Replicas[1].Url, "/v1/events/stream?topic=t.1");

        await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 3);
        await before.WaitForEventsAsync(3);
        await old.DisposeAsync();
        await system.WaitForModeAsync("degraded");
        await system.Database.ExecuteAsync("delete from eventstore.leases; select eventstore.new_epoch()");
        await before.ResyncAsync();
        await system.StartBroadcasterAsync();
        await system.WaitForModeAsync("live");
        await World.PublishNumbersAsync(system.Replicas[0], "t.1", 4, 3);
        await before.WaitForEventsAsync(6);
        Assert.Equal(Enumerable.Range(1, 6), before.Numbers);
    }
}
