using EventStore;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>A leader that does not know yet about its successor does no harm.</summary>
public sealed class FenceTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_deposed_leaders_message_on_Redis_reaches_no_reader()
    {
        await using var system = await World.Start(o => o.Replicas(2).Broadcasters(0));
        await system.Database.ExecuteAsync(
            "insert into eventstore.leases values ('broadcaster', 'deposed', 9000000, clock_timestamp())"
        );
        // A busy machine delays renewals, and a lease that is taken again has another fence.
        await system.StartBroadcasterAsync(new() { ["AspireSse__Relay__LeaseMilliseconds"] = "30000" });
        await system.WaitForModeAsync("live");

        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, "/v1/events/stream?topic=t.%3E");
        await World.PublishNumbersAsync(system.Replicas[1], "t.1", 1, 3);
        await reader.WaitForEventsAsync(3);

        using var redis = await TestRedis.ConnectAsync(Stores.Shared.Redis);
        var received = new TaskCompletionSource<RelayPage>(TaskCreationOptions.RunContinuationsAsynchronously);
        (await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(system.Channel))).OnMessage(message =>
        {
            if (Relayed.Read(message) is { Last: > 0 } page)
                received.TrySetResult(page);
        });

        var now = await received.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(9_000_001, now.Fence);
        // Another event at the next position, as sent by a leader that was cut off together with a former primary.
        var other = new EventRecord
        {
            At = new(now.Epoch, now.Last + 1),
            Id = Guid.CreateVersion7(),
            Topic = "t.1",
            Type = "n",
            Data = "-1"u8.ToArray(),
            Time = DateTimeOffset.UtcNow,
        };
        var secret = new RelaySecret(system.Database);

        await secret.ReadAsync(TestContext.Current.CancellationToken);
        await redis
            .GetSubscriber()
            .PublishAsync(
                system.Channel,
                secret,
                new RelayPage(now.Epoch, now.Fence - 1, now.Last, now.Last + 1, long.MaxValue),
                other
            );

        // Published by the other replica, so that it comes through Redis, behind the message above.
        await World.PublishNumbersAsync(system.Replicas[1], "t.1", 4, 3);
        await reader.WaitForEventsAsync(6);
        Assert.Equal(Enumerable.Range(1, 6), reader.Numbers);
    }

    [Fact]
    public async Task A_deposed_leader_moves_nothing_out_of_the_outbox()
    {
        await using var system = await World.Start(o => o.Replicas(0).Broadcasters(0));
        var lease = new LeaderLease(system.Database);
        var deposed = await lease.HoldAsync("test", "a", Ttl, TestContext.Current.CancellationToken);

        await system.Database.ExecuteAsync(
            "update eventstore.leases set expires_at = clock_timestamp() - interval '1 second'"
        );

        var leads = await lease.HoldAsync("test", "b", Ttl, TestContext.Current.CancellationToken);

        await using (var connection = await system.Database.OpenConnectionAsync(TestContext.Current.CancellationToken))
            await connection.AddToOutboxAsync(new("t.1", "n", "1"));

        Assert.Equal(0, await MoveAsync(deposed));
        Assert.Equal(1, await MoveAsync(leads));
        Assert.Equal(0, await MoveAsync(leads));

        async Task<int> MoveAsync(long? fence) =>
            (
                await Outbox.RelayAsync(
                    system.Database,
                    "test",
                    fence!.Value,
                    10,
                    look: "",
                    TestContext.Current.CancellationToken
                )
            ).Rows;
    }
}
