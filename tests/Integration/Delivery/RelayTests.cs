using System.Collections.Concurrent;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>The leader's work.</summary>
public sealed class RelayTests
{
    /// <summary>The moves that Postgres runs.</summary>
    private const string Moves =
        "pg_stat_activity where datname = current_database() and state = 'active' "
        + "and query like '%move_outbox%' and pid <> pg_backend_pid()";

    /// <summary>A lease that is renewed late: by the leader's own clock it is lost for a moment, and then its own
    /// again.</summary>
    [Theory]
    [InlineData("tail")]
    [InlineData("heartbeat")]
    [InlineData("outbox")]
    public async Task A_relay_ends_as_a_whole_if_one_part_found_the_lease_lost(string part)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        const string Row = "insert into eventstore.outbox (topic, type, data) values ('t.1', 'n', '1')";
        var database = await Stores.Shared.CreateMigratedAsync(cancellationToken);
        // Only this part has something to do, and asks: the others would not ask for a minute.
        using var host = Start(
            database,
            ("AspireSse:EventStore:PollMilliseconds", "60000"),
            ("AspireSse:Relay:HeartbeatMilliseconds", part == "heartbeat" ? "100" : "60000")
        );
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        var fence = await HoldAsync(host, "this test");
        using var redis = await TestRedis.ConnectAsync(Stores.Shared.Redis);
        var received = new ConcurrentQueue<long>();
        var messages = await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(database.Database!));

        messages.OnMessage(message => received.Enqueue(Relayed.Read(message).Fence));
        var (asked, refusals) = (0, 0);
        var running = RunAsync(host, fence, StillLeads, cancellationToken);

        // The first heartbeat; the first page, and the one after the tail listens; the outbox, when it is listened to.
        await Eventually.HoldsAsync(() => Volatile.Read(ref asked) >= 4, "every part works");

        // It is refused once and never again.
        Volatile.Write(ref refusals, 1);

        if (part == "tail")
            await store.ExecuteAsync("select pg_notify('eventstore', '')");
        if (part == "outbox")
            await store.ExecuteAsync(Row);

        await running.WaitAsync(TimeSpan.FromMinutes(2), cancellationToken);
        Assert.Equal(0, refusals);

        // Ten heartbeats of the next leader: long enough to notice a part that continued, or a missing outbox row. A
        // move that had begun before the refusal may have taken the row above.
        var left = await CountAsync(store, "eventstore.outbox");
        await store.ExecuteAsync(Row);

        var ended = received.Count;
        using var next = Start(database);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var following = RunAsync(next, fence + 1, () => true, stop.Token);

        await Eventually.HoldsAsync(
            () => received.Count(f => f == fence + 1) >= 10,
            "the next leader sends heartbeats"
        );
        Assert.All(received.Skip(ended).SkipWhile(f => f == fence), f => Assert.Equal(fence + 1, f));
        Assert.Equal(left + 1, await CountAsync(store, "eventstore.outbox"));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);

        bool StillLeads()
        {
            Interlocked.Increment(ref asked);
            return Interlocked.Exchange(ref refusals, 0) == 0;
        }
    }

    /// <summary>Nothing but notifications wakes the relay here.</summary>
    [Fact]
    public async Task What_a_replica_has_sent_is_not_relayed_and_what_it_did_not_send_is()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var database = await Stores.Shared.CreateMigratedAsync(cancellationToken);
        using var host = Start(
            database,
            ("AspireSse:EventStore:PollMilliseconds", "60000"),
            ("AspireSse:Relay:HeartbeatMilliseconds", "60000")
        );
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        using var redis = await TestRedis.ConnectAsync(Stores.Shared.Redis);
        var pages = new ConcurrentQueue<RelayPage>();
        var messages = await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(database.Database!));
        messages.OnMessage(message => pages.Enqueue(Relayed.Read(message)));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = RunAsync(host, await HoldAsync(host, "this test"), () => true, stop.Token);
        var relay = host.Services.GetRequiredService<Relay>();
        var secret = new RelaySecret(store);
        await secret.ReadAsync(cancellationToken);

        await Eventually.HoldsAsync(() => !pages.IsEmpty, "the relay has begun");

        // The page of an event comes before its notification.
        var channel = new EventStoreOptions { Channel = database.Database! }.DirectChannel;
        await Relayed.SubscribedAsync(channel, 1);
        var first = await HandRelay.AppendAsync(store, "t", 1);
        await Eventually.HoldsAsync(() => pages.Any(page => page.Last == first.Position), "it is relayed");
        var second = HandRelay.Event("t", first.Position + 1, "2");
        var sent = new RelayPage(pages.Last().Epoch, 0, first.Position, second.Position, 0);
        await redis.GetSubscriber().PublishAsync(channel, secret, sent, second);
        await Eventually.HoldsAsync(() => relay.Relayed == second.Position, "it is heard");
        await HandRelay.AppendAsync(store, "t", 2, direct: true);
        var third = await HandRelay.AppendAsync(store, "t", 3, direct: true);

        await Eventually.HoldsAsync(() => pages.Any(page => page.Last == third.Position), "it is relayed, too");
        Assert.Equal(
            [(first.Position - 1, first.Position), (second.Position, third.Position)],
            pages.Where(page => !page.IsHeartbeat).Select(page => (page.Previous, page.Last))
        );
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    /// <summary>Otherwise its rows could move while the next leader's term runs, and no one would report the refused
    /// ones.</summary>
    [Fact]
    public async Task A_term_ends_after_its_running_outbox_move()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var host = Start(await Stores.Shared.CreateMigratedAsync(cancellationToken));
        var source = host.Services.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Work);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var locked = await LockOutboxAsync(source);

        var (running, _) = await StartHangingAsync(host, locked, stop.Token);
        var left = running.ContinueWith(_ => MovesAsync(), TaskScheduler.Default).Unwrap();
        await stop.CancelAsync();
        await Task.WhenAny(left, TailEndsAsync());
        await locked.ReleaseAsync();
        Assert.Equal(0, await left);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(0, await CountAsync(source, "eventstore.outbox"));

        Task<long> MovesAsync() => CountAsync(source, Moves);

        Task TailEndsAsync() =>
            Eventually.HoldsAsync(
                async () =>
                    await CountAsync(
                        source,
                        "pg_stat_activity where datname = current_database() and query = 'listen eventstore'"
                    ) == 0,
                "the tail has ended"
            );
    }

    /// <summary>As with a frozen Postgres: the process must be free to look for the new primary.</summary>
    [Fact]
    public async Task A_term_does_not_wait_for_a_hanging_outbox_move_that_the_next_leaders_fence_refuses()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var host = Start(
            await Stores.Shared.CreateMigratedAsync(cancellationToken),
            ("AspireSse:Relay:LeaseMilliseconds", "500")
        );
        var source = host.Services.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Work);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var locked = await LockOutboxAsync(source);

        var (running, fence) = await StartHangingAsync(host, locked, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(1, await locked.WaitersAsync("move_outbox"));
        await source.ExecuteAsync("update eventstore.leases set expires_at = clock_timestamp()");
        Assert.NotEqual(fence, await HoldAsync(host, "the next leader"));
        await locked.ReleaseAsync();
        await Eventually.HoldsAsync(async () => await CountAsync(source, Moves) == 0, "Postgres has ended the move");
        Assert.Equal(1, await CountAsync(source, "eventstore.outbox"));
    }

    /// <summary>Locks the outbox, with one event in it.</summary>
    private static async Task<LockedTable> LockOutboxAsync(NpgsqlDataSource source)
    {
        await using (var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken))
            await connection.AddToOutboxAsync(new("t.1", "n", "1"));
        return await LockedTable.LockAsync(source, "eventstore.outbox");
    }

    /// <summary>Starts a term whose move of the outbox waits for the lock.</summary>
    private static async Task<(Task Running, long Fence)> StartHangingAsync(
        IHost host,
        LockedTable locked,
        CancellationToken stop
    )
    {
        var fence = await HoldAsync(host, "this test");
        var running = RunAsync(host, fence, () => true, stop);
        await Eventually.HoldsAsync(
            async () => await locked.WaitersAsync("move_outbox") == 1,
            "a move waits for the lock"
        );

        return (running, fence);
    }

    private static Task RunAsync(IHost host, long fence, Func<bool> stillLeads, CancellationToken stop) =>
        host.Services.GetRequiredService<Leadership>().WorkAsync(new Term(fence, stillLeads), stop);

    private static async Task<long> HoldAsync(IHost host, string holder)
    {
        var lease = host.Services.GetRequiredService<LeaderLease>();
        var ttl = TimeSpan.FromMinutes(5);
        return (await lease.HoldAsync(Leadership.Lease, holder, ttl, TestContext.Current.CancellationToken))!.Value;
    }

    private static Task<long> CountAsync(NpgsqlDataSource source, string rows) =>
        source.AskAsync<long>($"select count(*) from {rows}");

    /// <summary>Otherwise a replica that is between the two would take the batch for the next one and skip the events
    /// before it.</summary>
    [Fact]
    public async Task A_batch_of_a_new_history_says_after_which_position_it_was_read()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var database = await Stores.Shared.CreateMigratedAsync(cancellationToken);
        using var host = Start(database);
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        using var redis = await TestRedis.ConnectAsync(Stores.Shared.Redis);
        var relayed = Channel.CreateUnbounded<RelayPage>();
        var messages = await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(database.Database!));

        messages.OnMessage(message => relayed.Writer.TryWrite(Relayed.Read(message)));
        var fence = await HoldAsync(host, "this test");
        await ExecuteAsync("select eventstore.lock_log(); " + Insert(500));

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = RunAsync(host, fence, () => true, stop.Token);
        var before = await relayed.Reader.ReadAsync(cancellationToken);

        Assert.Equal(500, before.Last);

        // As after the promotion of a standby that lacked the last fifty: the Broadcaster finds fifty more than it had,
        // of a hundred.
        await ExecuteAsync(
            $"""
            select eventstore.new_epoch();
            delete from eventstore.events where position > 450;
            select setval('eventstore.position', 450);
            {Insert(100)}
            """
        );

        RelayPage page;
        do page = await relayed.Reader.ReadAsync(cancellationToken);
        while (page.Epoch == before.Epoch || page.Events.IsEmpty);

        Assert.Equal((500, 501, 550), (page.Previous, page.ReadEvents()[0].Position, page.Last));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        async Task ExecuteAsync(string sql)
        {
            await using var connection = await store.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using (var command = new NpgsqlCommand(sql, connection, transaction))
                await command.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        static string Insert(int count) =>
            $"""
                insert into eventstore.events
                select p.first + n, gen_random_uuid(), 't.1', 'n', null, '1', null, now()
                from eventstore.take_positions({count}) as p(first), generate_series(0, {count - 1}) as n;
                select pg_notify('eventstore', '');
                """;
    }

    private static IHost Start(NpgsqlConnectionStringBuilder database, params (string Name, string Value)[] settings)
    {
        var builder = StoreOnlyHost.Of(
            database.ConnectionString,
            [
                ("ConnectionStrings:redis", Stores.Shared.Redis),
                ("AspireSse:EventStore:Channel", database.Database!),
                ("AspireSse:EventStore:PollMilliseconds", "50"),
                ("AspireSse:Relay:HeartbeatMilliseconds", "100"),
                ("AspireSse:Relay:LeaseMilliseconds", "60000"),
                ("AspireSse:Relay:RenewMilliseconds", "250"),
                ("AspireSse:EventStore:CommandTimeoutSeconds", "300"),
                .. settings,
            ]
        );
        builder.AddSseBroadcaster();

        return builder.Build();
    }
}
