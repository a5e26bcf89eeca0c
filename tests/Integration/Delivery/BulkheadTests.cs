using System.Globalization;
using System.Net.Http.Json;
using EventStore;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Each kind of work has its own connections: one that hangs takes none from the others.</summary>
public sealed class BulkheadTests(BulkheadTests.FewConnections fixture) : IClassFixture<BulkheadTests.FewConnections>
{
    private const int Connections = 4;

    /// <summary>A replica with few connections for each kind of work, whose statements may take as long as a test. The
    /// tests that share it hang its work, and wait at their end until nothing hangs.</summary>
    public sealed class FewConnections : SharedWorld
    {
        protected override Dictionary<string, string> Settings =>
            new()
            {
                ["EventStore__CommandTimeoutSeconds"] = "300",
                ["EventStore__ReadConnections"] = $"{Connections}",
                ["EventStore__WorkConnections"] = $"{Connections}",
                ["Streaming__RecentEvents"] = "0",
                ["Streaming__RingEvents"] = "16",
            };
    }

    [Fact]
    public async Task Hanging_searches_do_not_delay_publishing_or_live_streams_and_end_with_their_clients()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var system = fixture.System;
        var replica = system.Replicas[0];
        var positions = await system.PublishDeliveredAsync("t.1", 1, 10);
        var epoch = await FunctionAsync(system, "eventstore.epoch()");
        await ExecuteAsync(
            system,
            """
            create or replace function eventstore.epoch() returns text language plpgsql stable as $$
            begin
                if current_query() like '%as bytes,%' then perform pg_sleep(300); end if;
                return (select l.epoch from eventstore.lineage l order by l.number desc limit 1);
            end $$
            """
        );

        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var hanging = Enumerable
            .Range(0, 50)
            .Select(_ => http.GetAsync(new Uri(replica.Url, "/v1/events?type=n"), leave.Token))
            .ToList();
        var stalled = await Task.WhenAll(
            positions.Select(at => SseReader.OpenAtAsync(replica.Url, "/v1/events/stream?type=none", at))
        );
        await Eventually.HoldsAsync(async () => await HangingAsync() >= 8, "four reads and four replays hang");

        await DeliverLiveAsync(replica);
        Assert.All(hanging, request => Assert.False(request.IsCompleted));

        await leave.CancelAsync();
        foreach (var reader in stalled)
            await reader.DisposeAsync();
        await Eventually.HoldsAsync(
            async () => await HangingAsync() == 0,
            "Postgres runs nothing for clients that have gone"
        );
        await ExecuteAsync(system, epoch);

        async Task<long> HangingAsync()
        {
            await using var ask = system.Database.CreateCommand(
                "select count(*) from pg_stat_activity where datname = current_database() and state "
                    + "= 'active' and pid <> pg_backend_pid() and query like '%as bytes,%'"
            );
            return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
        }
    }

    [Fact]
    public async Task Transactions_of_features_that_hang_delay_neither_publishing_nor_live_streams()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var system = fixture.System;
        var replica = system.Replicas[0];
        await using var locked = await LockedTable.LockAsync(system.Database, "tasks.tasks");
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        var hanging = Enumerable
            .Range(0, 10 * Connections)
            .Select(n =>
                http.PostAsJsonAsync(new Uri(replica.Url, "/tasks"), new { title = $"{n}" }, cancellationToken)
            )
            .ToList();
        await Eventually.HoldsAsync(
            async () => await HangingAsync() == Connections,
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
        await using var locked = await LockedTable.LockAsync(system.Database, "eventstore.replicas");
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
        InlineData(null),
        InlineData(StorePool.Appends),
        InlineData(StorePool.Feed),
        InlineData(StorePool.Replays),
        InlineData(StorePool.Reads)
    ]
    public async Task Every_session_gives_up_in_the_server_a_little_later_than_its_client(string? pool)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var host = StoreHost.Of(Stores.Shared.EventStore, ("EventStore:CommandTimeoutSeconds", "7")).Build();
        var store = pool is null
            ? host.Services.GetRequiredService<NpgsqlDataSource>()
            : host.Services.GetRequiredKeyedService<NpgsqlDataSource>(pool);
        await using var ask = store.CreateCommand(
            "select current_setting('statement_timeout') || ' ' || "
                + "current_setting('idle_in_transaction_session_timeout') || ' ' || "
                + "current_setting('client_connection_check_interval') || ' ' || "
                + "current_setting('tcp_user_timeout') || ' ' || current_setting('tcp_keepalives_idle')"
        );
        Assert.Equal("8s 8s 2s 20000 15", await ask.ExecuteScalarAsync(cancellationToken));
    }

    [Fact]
    public async Task A_statement_of_a_vanished_client_ends_in_Postgres_too()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var system = await World.Start(o => o.Set("EventStore:CommandTimeoutSeconds", 7));
        await World.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 1);
        await using (
            var hang = system.Database.CreateCommand(
                """
                create or replace function eventstore.epoch() returns text language plpgsql stable as $$
                begin
                    perform pg_sleep(300);
                    return 'never';
                end $$
                """
            )
        )
            await hang.ExecuteNonQueryAsync(cancellationToken);
        await Eventually.HoldsAsync(async () => await RunningAsync() > 0, "a read of the replica hangs");
        // The link passes nothing, so the replica cannot cancel the statement that it gives up; it closes the
        // connection.
        system.Postgres.Freeze();
        await Eventually.HoldsAsync(async () => await RunningAsync() == 0, "Postgres has noticed");

        async Task<long> RunningAsync()
        {
            await using var ask = system.Database.CreateCommand(
                "select count(*) from pg_stat_activity where datname = current_database() and state "
                    + "= 'active' and wait_event = 'PgSleep'"
            );
            return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
        }
    }

    /// <summary>Publishes events of a topic of their own, and waits until a live stream has them.</summary>
    private static async Task DeliverLiveAsync(RunningService replica)
    {
        const int Events = 3 * Connections; // fewer than the ring has: a reader further behind would need a replay
        var topic = $"live{Guid.NewGuid():N}";
        await using var live = await SseReader.OpenAsync(replica.Url, $"/v1/events/stream?topic={topic}");
        foreach (var n in Enumerable.Range(1, Events))
            await World.PublishAsync(replica, new EventBody(topic, "n", n));
        await live.WaitForEventsAsync(Events);
        Assert.Equal(
            Enumerable.Range(1, Events),
            live.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture))
        );
    }

    /// <summary>Returns the statement that creates a function as it is.</summary>
    private static async Task<string> FunctionAsync(World system, string name)
    {
        await using var ask = system.Database.CreateCommand($"select pg_get_functiondef('{name}'::regprocedure)");
        return (string)(await ask.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    private static async Task ExecuteAsync(World system, string sql)
    {
        await using var command = system.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
