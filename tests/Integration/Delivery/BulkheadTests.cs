using System.Net.Http.Json;
using EventStore;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using StreamApi.Seeds.Storage;

namespace Integration.Delivery;

/// <summary>Each kind of work has its own connections: one that hangs takes none from the others.</summary>
public sealed class BulkheadTests(BulkheadTests.FewConnections fixture) : IClassFixture<BulkheadTests.FewConnections>
{
    private const int Connections = 4;

    /// <summary>SQLSTATE of a session that was idle in a transaction for too long.</summary>
    private const string IdleInTransaction = "25P03";

    /// <summary>A replica with few connections for each kind of work, whose statements may take as long as a test. The
    /// tests that share it hang its work, and wait at their end until nothing hangs.</summary>
    public sealed class FewConnections : SharedWorld
    {
        protected override Dictionary<string, string> Settings =>
            new()
            {
                ["AspireSse__EventStore__CommandTimeoutSeconds"] = "300",
                ["AspireSse__EventStore__ReadConnections"] = $"{Connections}",
                ["AspireSse__EventStore__WorkConnections"] = $"{Connections}",
                ["AspireSse__Streaming__RecentEvents"] = "0",
                ["AspireSse__Streaming__RingEvents"] = "16",
            };
    }

    [Fact]
    public async Task Hanging_searches_do_not_delay_publishing_or_live_streams_and_end_with_their_clients()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var system = fixture.System;
        var replica = system.Replicas[0];
        var positions = await system.PublishDeliveredAsync("t.1", 1, 10);
        // A search by topic looks into the directory.
        await using var locked = await LockedTable.LockAsync(system.Database, "eventstore.topics");

        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var hanging = Enumerable
            .Range(0, 50)
            .Select(_ => http.GetAsync(new Uri(replica.Url, "/v1/events?topic=t.*"), leave.Token))
            .ToList();

        var stalled = await Task.WhenAll(
            positions.Select(at => SseReader.OpenAtAsync(replica.Url, "/v1/events/stream?topic=t.*&type=none", at))
        );
        // One client alone has half of the reads, and two of the three replays that are no searches.
        await Eventually.HoldsAsync(async () => await HangingAsync() >= 4, "two reads and two replays hang");

        await DeliverLiveAsync(replica);
        Assert.All(hanging, request => Assert.False(request.IsCompleted));

        await leave.CancelAsync();

        foreach (var reader in stalled)
            await reader.DisposeAsync();

        await Eventually.HoldsAsync(
            async () => await HangingAsync() == 0,
            "Postgres runs nothing for clients that have gone"
        );
        await locked.ReleaseAsync();

        Task<long> HangingAsync() => locked.WaitersAsync("eventstore.topics");
    }

    [Fact]
    public async Task Transactions_of_features_that_hang_delay_neither_publishing_nor_live_streams()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var system = fixture.System;
        var replica = system.Replicas[0];
        await using var locked = await LockedTable.LockAsync(system.Database, "seeds.tasks");
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        var hanging = Enumerable
            .Range(0, 10 * SeedsPool.WorkConnections)
            .Select(n =>
                http.PostAsJsonAsync(new Uri(replica.Url, "/tasks"), new { title = $"{n}" }, cancellationToken)
            )
            .ToList();

        await Eventually.HoldsAsync(
            async () => await HangingAsync() == SeedsPool.WorkConnections,
            "the features' transactions have all of their connections"
        );

        await DeliverLiveAsync(replica);
        Assert.All(hanging, request => Assert.False(request.IsCompleted));

        await locked.ReleaseAsync();

        foreach (var created in await Task.WhenAll(hanging))
            created.EnsureSuccessStatusCode();

        Task<long> HangingAsync() => locked.WaitersAsync("tasks");
    }

    [Fact]
    public async Task Lists_of_replicas_that_hang_take_one_connection_from_the_live_feed()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var system = fixture.System;
        var replica = system.Replicas[0];
        await using var locked = await LockedTable.LockAsync(system.Database, "streamapi.replicas");
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        var lists = new List<Task<HttpResponseMessage>>();

        // The first ones may be answered from a list that was read before.
        await Eventually.HoldsAsync(
            async () =>
            {
                for (var i = 0; i < 30; i++)
                    lists.Add(http.GetAsync(new Uri(replica.Url, "/v1/replicas"), cancellationToken));
                return await HangingAsync() > 0;
            },
            "the list hangs"
        );
        await DeliverLiveAsync(replica);
        Assert.Equal(1, await HangingAsync());

        await locked.ReleaseAsync();

        foreach (var list in await Task.WhenAll(lists))
            list.EnsureSuccessStatusCode();

        Task<long> HangingAsync() => locked.WaitersAsync("select state, seen_at");
    }

    [Theory]
    [
        InlineData(StorePool.Work),
        InlineData(StorePool.Appends),
        InlineData(StorePool.Feed),
        InlineData(StorePool.Replays),
        InlineData(StorePool.Reads)
    ]
    public async Task Every_session_gives_up_in_the_server_a_little_later_than_its_client(string pool)
    {
        using var host = StoreOnlyHost
            .Of(Stores.Shared.EventStore, ("AspireSse:EventStore:CommandTimeoutSeconds", "1"))
            .Build();
        var store = host.Services.GetRequiredKeyedService<NpgsqlDataSource>(pool);

        // Clients that have vanished: one with a statement under way, one within a transaction.
        var ended = await Task.WhenAll(EndAsync("select pg_sleep(60)"), EndAsync("begin; select 1"));
        Assert.Equal([PostgresErrorCodes.QueryCanceled, IdleInTransaction], ended);

        // Returns why the server has ended what the statement left.
        async Task<string> EndAsync(string sql)
        {
            await using var session = await store.OpenConnectionAsync(TestContext.Current.CancellationToken);
            await using var command = new NpgsqlCommand(sql, session) { CommandTimeout = 0 };
            var failure = await Assert.ThrowsAsync<PostgresException>(async () =>
            {
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
                // Npgsql reads why its session was ended at the next statement.
                while (true)
                    await session.WaitAsync(TestContext.Current.CancellationToken);
            });

            return failure.SqlState;
        }
    }

    [Fact]
    public async Task A_statement_of_a_vanished_client_ends_in_Postgres_too()
    {
        await using var system = await World.Start(o => o.Set("AspireSse:EventStore:CommandTimeoutSeconds", 7));
        await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 1);
        await system.Database.ExecuteAsync(
            """
            create or replace function eventstore.epoch() returns text language plpgsql stable as $$
            begin
                perform pg_sleep(300);
                return 'never';
            end $$
            """
        );
        await Eventually.HoldsAsync(async () => await RunningAsync() > 0, "a read of the replica hangs");
        // The link passes nothing, so the replica cannot cancel the statement that it gives up; it closes the
        // connection.
        system.Postgres.Freeze();
        await Eventually.HoldsAsync(async () => await RunningAsync() == 0, "Postgres has noticed");

        Task<long> RunningAsync() =>
            system.Database.AskAsync<long>(
                "select count(*) from pg_stat_activity where datname = current_database() and state "
                    + "= 'active' and wait_event = 'PgSleep'"
            );
    }

    /// <summary>Publishes events of a topic of their own, and waits until a live stream has them.</summary>
    private static async Task DeliverLiveAsync(RunningService replica)
    {
        const int Events = 3 * Connections; // fewer than the ring has: a reader further behind would need a replay
        var topic = $"live{Guid.NewGuid():N}";
        await using var live = await SseReader.OpenAsync(replica.Url, $"/v1/events/stream?topic={topic}");

        foreach (var number in Enumerable.Range(1, Events))
            await World.PublishAsync(replica, new EventBody(topic, "n", number));

        await live.WaitForEventsAsync(Events);
        Assert.Equal(Enumerable.Range(1, Events), live.Numbers);
    }
}
