using System.Globalization;
using System.Net;
using System.Text.Json;
using EventStore;
using Integration.Seeds;
using Npgsql;
using Stack;
using StreamApi.Seeds.Petstore;

namespace Integration.Delivery;

/// <summary>What breaks, and that nobody loses, doubles or waits for an event because of it.</summary>
[Trait("Takes", "long")]
public sealed class FaultTests(StackFixture stack)
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    [Theory]
    [InlineData("killed")]
    [InlineData("frozen")]
    public async Task A_spare_takes_over_from_a_leader_that_is_gone(string fault)
    {
        await using var system = await DeliverySystem.StartAsync(stack, replicas: 1, broadcasters: 2);
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        var leader = await system.LeaderAsync();
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 10);
        if (fault == "killed")
            leader.Kill();
        else
            leader.Freeze();
        system.Broadcasters.Remove(leader);
        var spare = await system.LeaderAsync();
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 11, 10);
        if (fault == "frozen")
            leader.Thaw();
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 21, 10);
        await reader.WaitForEventsAsync(30);
        Assert.Equal(Enumerable.Range(1, 30), Numbers(reader));
        Assert.Same(spare, await system.LeaderAsync());
        await system.WaitForModeAsync("live");
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("frozen")]
    public async Task Without_Redis_events_come_from_Postgres_and_with_it_by_Redis_again(string fault)
    {
        await using var system = await DeliverySystem.StartAsync(stack, replicas: 2);
        await using var a = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var b = await SseReader.OpenAtAsync(system.Replicas[1].Url, Stream);
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 10);
        if (fault == "cut")
            system.Redis.Cut();
        else
            system.Redis.Freeze();
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 11, 10);
        await system.WaitForModeAsync("degraded");
        await DeliverySystem.PublishNumbersAsync(system.Replicas[1], "t.1", 21, 10);
        await a.WaitForEventsAsync(30);
        await b.WaitForEventsAsync(30);
        system.Redis.Heal();
        await system.WaitForModeAsync("live");
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 31, 10);
        foreach (var reader in (SseReader[])[a, b])
        {
            await reader.WaitForEventsAsync(40);
            Assert.Equal(Enumerable.Range(1, 40), Numbers(reader));
        }
    }

    [Fact]
    public async Task Without_Postgres_a_publish_is_refused_with_503_and_streams_stay_open()
    {
        await using var system = await DeliverySystem.StartAsync(
            stack,
            settings: new() { ["EventStore__CommandTimeoutSeconds"] = "2" }
        );
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 5);
        system.Postgres.Cut();
        using (
            var refused = await DeliverySystem.PostAsync(
                system.Replicas[0],
                new
                {
                    topic = "t.1",
                    type = "n",
                    data = 0,
                }
            )
        )
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        }
        system.Postgres.Heal();
        await DeliverySystem.EventuallyAsync(
            async () =>
            {
                using var response = await DeliverySystem.PostAsync(
                    system.Replicas[0],
                    new
                    {
                        topic = "t.1",
                        type = "n",
                        data = 6,
                    }
                );
                return response.IsSuccessStatusCode;
            },
            "publishing works again"
        );
        await reader.WaitForEventsAsync(6);
        Assert.Equal([1, 2, 3, 4, 5, 6], Numbers(reader));
    }

    [Fact]
    public async Task A_replica_that_is_cut_off_believes_an_id_from_one_that_is_ahead()
    {
        await using var system = await DeliverySystem.StartAsync(stack);
        var direct = new NpgsqlConnectionStringBuilder(stack.EventStore)
        {
            Database = new NpgsqlConnectionStringBuilder(system.Database.ConnectionString).Database,
        };
        var ahead = await system.StartReplicaAsync(
            new()
            {
                ["ConnectionStrings__eventstore"] = direct.ConnectionString,
                ["ConnectionStrings__redis"] = stack.Redis,
            }
        );
        await using var before = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        system.Postgres.Freeze();
        system.Redis.Freeze();
        var positions = await DeliverySystem.PublishNumbersAsync(ahead, "t.1", 1, 5);
        await using var moved = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream, positions[2]);
        Assert.Equal(positions[2], moved.Frames.First(f => f.Id is not null).Id);
        system.Postgres.Heal();
        system.Redis.Heal();
        await moved.WaitForEventsAsync(2);
        await before.WaitForEventsAsync(5);
        Assert.Equal([4, 5], Numbers(moved));
        Assert.DoesNotContain(moved.Frames, f => f.Event == "resync");
    }

    [Theory]
    [InlineData(64)] // far behind: from the store
    [InlineData(8192)] // from memory
    public async Task A_slow_reader_that_asked_for_the_latest_skips_to_the_newest_of_each_key_and_is_told(int ring)
    {
        await using var system = await DeliverySystem.StartAsync(
            stack,
            settings: new() { ["Streaming__RingEvents"] = $"{ring}", ["Streaming__RecentEvents"] = $"{ring}" }
        );
        await using var prompt = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var stalled = await StalledReader.OpenAsync(system.Replicas[0].Url, Stream + "&slow=latest");
        var padding = new string('x', 4_000);
        const int count = 4_000;
        foreach (var chunk in Enumerable.Range(1, count).Chunk(200))
            await DeliverySystem.PublishAsync(
                system.Replicas[0],
                [
                    .. chunk.Select(n =>
                        (object)
                            new
                            {
                                topic = "t.1",
                                type = "n",
                                key = $"k{n % 10}",
                                data = new { n, padding },
                            }
                    ),
                ]
            );
        await prompt.WaitForEventsAsync(count);
        var (numbers, skipped) = await stalled.ReadToAsync(count);
        Assert.InRange(skipped, 1, count - 10);
        Assert.Equal(count, numbers.Count + skipped);
        Assert.Equal(numbers.Order(), numbers);
        Assert.Equal(Enumerable.Range(count - 9, 10), numbers.TakeLast(10));
    }

    [Fact]
    public async Task A_slow_reader_that_asked_for_it_is_disconnected_instead_of_fed_late()
    {
        await using var system = await DeliverySystem.StartAsync(
            stack,
            settings: new() { ["Streaming__RingEvents"] = "64" }
        );
        await using var prompt = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var stalled = await StalledReader.OpenAsync(system.Replicas[0].Url, Stream + "&slow=disconnect");
        var padding = new string('x', 4_000);
        foreach (var chunk in Enumerable.Range(1, 4_000).Chunk(200))
            await DeliverySystem.PublishAsync(
                system.Replicas[0],
                [
                    .. chunk.Select(n =>
                        (object)
                            new
                            {
                                topic = "t.1",
                                type = "n",
                                data = new { n, padding },
                            }
                    ),
                ]
            );
        await prompt.WaitForEventsAsync(4_000);
        var (numbers, _) = await stalled.ReadToAsync(4_000);
        Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
        Assert.InRange(numbers.Count, 1, 3_999);
    }

    [Fact]
    public async Task A_reader_that_asked_for_it_and_takes_nothing_more_is_disconnected_though_all_it_lacks_is_in_memory()
    {
        await using var system = await DeliverySystem.StartAsync(
            stack,
            settings: new() { ["Streaming__SlowSeconds"] = "2" }
        );
        await using var prompt = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var stalled = await StalledReader.OpenAsync(system.Replicas[0].Url, Stream + "&slow=disconnect");
        await using var patient = await StalledReader.OpenAsync(system.Replicas[0].Url, Stream);
        var padding = new string('x', 4_000);
        foreach (var chunk in Enumerable.Range(1, 1_000).Chunk(200))
            await DeliverySystem.PublishAsync(
                system.Replicas[0],
                [
                    .. chunk.Select(n =>
                        (object)
                            new
                            {
                                topic = "t.1",
                                type = "n",
                                data = new { n, padding },
                            }
                    ),
                ]
            );
        await DeliverySystem.EventuallyAsync(
            async () =>
                (await Requests.JsonAsync(system.Replicas[0].Url, HttpMethod.Get, "/v1/connections"))
                    .GetProperty("connections")
                    .GetArrayLength() == 2,
            "the slow reader is let go, and he alone"
        );
        var (numbers, _) = await stalled.ReadToAsync(1_000);
        Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
        Assert.InRange(numbers.Count, 1, 999);
        Assert.Equal(1_000, (await patient.ReadToAsync(1_000)).Numbers.Count);
    }

    [Fact]
    public async Task SIGTERM_ends_every_stream_properly_with_a_time_to_come_back_and_the_process_exits()
    {
        await using var system = await DeliverySystem.StartAsync(stack, replicas: 2);
        var readers = new List<SseReader>();
        for (var i = 0; i < 50; i++)
            readers.Add(await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream));
        await DeliverySystem.PublishNumbersAsync(system.Replicas[1], "t.1", 1, 1);
        foreach (var reader in readers)
            await reader.WaitForEventsAsync(1);
        system.Replicas[0].Terminate();
        foreach (var reader in readers)
        {
            await reader.WaitForEndAsync();
            Assert.True(reader.EndedProperly);
            Assert.NotNull(reader.Frames[^1].Retry);
        }
        Assert.True(
            readers.Select(r => r.Frames[^1].Retry).Distinct().Count() > 10,
            "every client was told the same time"
        );
        await system.Replicas[0].WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, system.Replicas[0].ExitCode);
        await DeliverySystem.PublishNumbersAsync(system.Replicas[1], "t.1", 2, 3);
        await using var resumed = await SseReader.OpenAtAsync(system.Replicas[1].Url, Stream, readers[0].LastId);
        await resumed.WaitForEventsAsync(3);
        Assert.Equal([2, 3, 4], Numbers(resumed));
        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task A_reset_of_the_store_is_a_new_epoch_and_open_and_returning_readers_are_told()
    {
        await using var system = await DeliverySystem.StartAsync(stack);
        await using var open = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        var before = await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 5);
        await open.WaitForEventsAsync(5);
        await using (var reset = system.Database.CreateCommand("select eventstore.reset()"))
            await reset.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await open.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
        var resync = JsonDocument.Parse(open.Frames.Single(f => f.Event == "resync").Data!).RootElement;
        Assert.Equal(
            ("epoch", before[^1]),
            (resync.GetProperty("reason").GetString(), resync.GetProperty("requested").GetString())
        );
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 6, 2);
        await open.WaitForEventsAsync(7);
        Assert.NotEqual(before[0].Split('-')[0], open.LastId!.Split('-')[0]);
        await using var returning = await SseReader.OpenAsync(system.Replicas[0].Url, Stream, before[^1]);
        await returning.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
    }

    [Fact]
    public async Task A_full_server_refuses_new_streams_but_has_places_for_those_that_return()
    {
        await using var system = await DeliverySystem.StartAsync(
            stack,
            settings: new() { ["Streaming__MaxConnections"] = "10", ["Streaming__ResumeReservePercent"] = "10" }
        );
        var server = system.Replicas[0].Url;
        var readers = new List<SseReader>();
        for (var i = 0; i < 10; i++)
            readers.Add(await SseReader.OpenAtAsync(server, Stream));
        using var http = new HttpClient();
        using (var refused = await http.GetAsync(new Uri(server, Stream), HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }
        // 503 would stop a browser for good: without a place a returning one gets a stream that ends, and a time to
        // come back.
        await using (var admitted = await SseReader.OpenAtAsync(server, Stream, readers[0].LastId))
        await using (var turnedAway = await SseReader.OpenAsync(server, Stream, readers[0].LastId))
        {
            await turnedAway.WaitForEndAsync();
            Assert.True(turnedAway.EndedProperly);
            Assert.NotNull(turnedAway.Frames[^1].Retry);
            Assert.DoesNotContain(turnedAway.Frames, f => f.Id is not null);
        }
        foreach (var reader in readers)
            await reader.DisposeAsync();
        await DeliverySystem.EventuallyAsync(
            async () =>
            {
                using var again = await http.GetAsync(
                    new Uri(server, Stream),
                    HttpCompletionOption.ResponseHeadersRead
                );
                return again.IsSuccessStatusCode;
            },
            "the places are free again"
        );
    }

    [Fact]
    public async Task A_reader_behind_what_retention_dropped_is_told_and_goes_on_from_the_oldest_kept()
    {
        await using var system = await DeliverySystem.StartAsync(
            stack,
            settings: new()
            {
                ["EventStore__MaxAge"] = "00:00:00",
                ["EventStore__RetentionSeconds"] = "1",
                ["Streaming__RecentEvents"] = "0",
                ["Streaming__RingEvents"] = "16",
            }
        );
        await using (
            var narrow = system.Database.CreateCommand(
                "update eventstore.store set partition_span = 100; drop table eventstore.events_000000000; select eventstore.ensure_partition(0), eventstore.ensure_partition(100)"
            )
        )
            await narrow.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        var positions = await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 450);
        long dropped = 0;
        await DeliverySystem.EventuallyAsync(
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
    public async Task Positions_become_visible_in_order_and_a_slow_transaction_delays_only_its_own_event()
    {
        await using var system = await DeliverySystem.StartAsync(stack, replicas: 2);
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[1].Url, Stream);
        await using var connection = await system.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var slow = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await global::EventStore.Outbox.AddAsync(
            connection,
            slow,
            new("t.slow", "n", "0"),
            TestContext.Current.CancellationToken
        );

        var writers = Enumerable
            .Range(0, 8)
            .Select(async w =>
            {
                for (var i = 0; i < 50; i++)
                    await DeliverySystem.PublishAsync(
                        system.Replicas[w % 2],
                        new
                        {
                            topic = $"t.{w}",
                            type = "n",
                            data = w * 1_000 + i,
                        }
                    );
            });
        await Task.WhenAll(writers);
        await reader.WaitForEventsAsync(400);
        Assert.DoesNotContain(reader.Events, e => e.Data == "0" && e.Id!.Length == 0);
        await slow.CommitAsync(TestContext.Current.CancellationToken);
        await reader.WaitForEventsAsync(401);
        Assert.Equal("0", reader.Events.Last().Data);

        var positions = reader
            .Events.Select(e => long.Parse(e.Id!.Split('-')[1], CultureInfo.InvariantCulture))
            .ToList();
        Assert.Equal(positions.Distinct().Order(), positions);
        foreach (
            var writer in reader
                .Events.SkipLast(1)
                .GroupBy(e => int.Parse(e.Data!, CultureInfo.InvariantCulture) / 1_000)
        )
            Assert.Equal(
                Enumerable.Range(0, 50),
                writer.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture) % 1_000)
            );
    }

    [Fact]
    public async Task An_outbox_event_never_exists_where_its_transaction_rolled_back()
    {
        await using var system = await DeliverySystem.StartAsync(stack);
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var connection = await system.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using (var undone = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await global::EventStore.Outbox.AddAsync(
                connection,
                undone,
                new("t.1", "undone", "1"),
                TestContext.Current.CancellationToken
            );
            await undone.RollbackAsync(TestContext.Current.CancellationToken);
        }
        await global::EventStore.Outbox.AddAsync(
            connection,
            null,
            new("t.1", "done", "2"),
            TestContext.Current.CancellationToken
        );
        await reader.WaitForEventsAsync(1);
        Assert.Equal("done", Assert.Single(reader.Events).Event);
    }

    [Fact]
    public async Task A_replica_that_started_while_Redis_was_silent_hears_it_once_it_is_back()
    {
        await using var system = await DeliverySystem.StartAsync(stack);
        system.Redis.Freeze();
        await system.StartReplicaAsync();
        await system.WaitForModeAsync("degraded");
        system.Redis.Heal();
        await system.WaitForModeAsync("live");
    }

    [Fact]
    public async Task A_quiet_stream_gets_a_comment_and_a_busy_one_none()
    {
        await using var system = await DeliverySystem.StartAsync(
            stack,
            settings: new() { ["Streaming__HeartbeatSeconds"] = "2", ["Streaming__PositionSeconds"] = "3600" }
        );
        await using var quiet = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var busy = await SseReader.OpenAtAsync(system.Replicas[0].Url, "/sse/events");
        await quiet.WaitAsync(r => r.Frames.Count(f => f.Comment is not null) >= 2);
        Assert.NotEmpty(busy.Events);
        Assert.DoesNotContain(busy.Frames, f => f.Comment is not null);
    }

    private static IEnumerable<int> Numbers(SseReader reader) =>
        reader.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture));
}
