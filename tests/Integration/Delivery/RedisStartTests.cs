using Harness;

namespace Integration.Delivery;

/// <summary>Connection strings of Redis with which no service starts, and one with which it does.</summary>
public sealed class RedisStartTests
{
    [Theory]
    [InlineData("StreamApi", "127.0.0.1:port", "not host:port")]
    [InlineData("Broadcaster", "127.0.0.1:1;localhost:1", "localhost:1 twice")]
    public async Task A_string_that_cannot_be_right_ends_the_start(string service, string redis, string message) =>
        await RefusesAsync(service, redis, message);

    [Fact]
    public async Task One_server_under_two_names_fails_the_start()
    {
        Assert.SkipWhen(await RedisNode.MissingAsync() is not null, "Redis is missing.");
        await using var node = await RedisNode.StartAsync();
        await RefusesAsync("Broadcaster", $"{node.Address};{node.LinkedAddress}", "are the same server");
    }

    [Fact]
    public async Task A_cluster_that_is_not_whole_or_one_of_several_servers_ends_the_start()
    {
        Assert.SkipWhen(await RedisNode.MissingAsync() is not null, "Redis is missing.");
        await using var node = await RedisCluster.StartNodeAsync();
        await RefusesAsync("Broadcaster", node.Address, "0 of 16384 hash slots");
        await node.AskAsync("cluster", "addslotsrange", "0", "8191");
        await RefusesAsync("StreamApi", node.Address, "8192 of 16384 hash slots");
        await node.AskAsync("cluster", "addslotsrange", "8192", "16383");
        await using var other = await RedisNode.StartAsync();
        await RefusesAsync("Broadcaster", $"{other.Address};{node.Address}", "cannot be one of several servers");
    }

    [Fact]
    public async Task A_cluster_that_answers_MOVED_for_ever_ends_the_start()
    {
        await using var node = new MovingRedis();
        await RefusesAsync("StreamApi", node.Address, "sends keys to a node that does not take");
        Assert.InRange(node.Moved, 1, int.MaxValue);
    }

    [Theory]
    [InlineData("StreamApi")]
    [InlineData("Broadcaster")]
    public async Task Two_nodes_that_send_every_key_to_each_other_end_the_start(string service)
    {
        await using MovingRedis one = new(),
            two = new();
        one.Target = two.Address;
        two.Target = one.Address;
        await RefusesAsync(service, $"{one.Address},{two.Address}", "sends keys to a node that does not take");
        Assert.InRange(one.Moved + two.Moved, 1, int.MaxValue);
    }

    [Fact]
    public async Task Unreachable_servers_do_not_fail_the_start()
    {
        await using var system = await World.Start(o =>
            o.Broadcasters(0).Set("ConnectionStrings:redis", $"127.0.0.1:{FreePort.Take()};127.0.0.1:{FreePort.Take()}")
        );
        var topic = $"t{Guid.NewGuid():N}";
        await system.StartBroadcasterAsync();
        await using var reader = await SseReader.OpenAtAsync(
            system.Replicas[0].Url,
            $"/v1/events/stream?topic={topic}"
        );
        await World.PublishNumbersAsync(system.Replicas[0], topic, 1, 3);
        await reader.WaitForEventsAsync(3);
    }

    [Fact]
    public async Task A_replica_that_started_while_Redis_was_silent_hears_it_once_it_is_back()
    {
        await using var system = await World.Start();
        system.Redis.Freeze();
        await system.StartReplicaAsync();
        await system.WaitForModeAsync("degraded");
        system.Redis.Heal();
        await system.WaitForModeAsync("live");
    }

    private static async Task RefusesAsync(string service, string redis, string message)
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__eventstore"] = Stores.Shared.EventStore,
            ["ConnectionStrings__redis"] = redis,
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
        };
        Assert.Contains(message, await ServiceHost.RefusalAsync(service, settings), StringComparison.Ordinal);
    }
}
