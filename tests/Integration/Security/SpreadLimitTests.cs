using Harness;
using Integration.Delivery;

namespace Integration.Security;

/// <summary>Limits that the replicas count together, spread over a cluster.</summary>
public sealed class SpreadLimitTests
{
    private const int Users = 24,
        Limit = 4;

    [Fact]
    public async Task A_cluster_counts_every_users_limit_on_the_node_of_its_key()
    {
        Assert.SkipWhen(await RedisNode.MissingAsync() is not null, "Redis is missing.");
        await using var cluster = await RedisCluster.StartAsync();
        await using var system = await StartAsync(cluster.Address);

        await AllRefusedAsync(system);

        // Three of the nodes are copies, which follow.
        foreach (var node in cluster.Nodes)
            await Eventually.HoldsAsync(
                async () => await node.AskAsync("dbsize") != "0",
                "each node counts some users"
            );
    }

    private static Task<World> StartAsync(string redis) =>
        World.Start(o =>
            o.Replicas(2)
                .Broadcasters(0)
                .Set(SecureSystem.Settings)
                .Set("ConnectionStrings:redis", redis)
                .Set("Limits:NewStreamsPerMinute", Limit)
                .Set("Limits:RedisMilliseconds", 2000)
                .ApiKey(SecureSystem.OperatorKey)
        );

    /// <summary>Waits until every user who exhausts the limit on one replica is refused by the other one. A count for
    /// which Redis took too long on a busy machine is each replica's own.</summary>
    private static Task AllRefusedAsync(World system)
    {
        var round = 0;
        return Eventually.HoldsAsync(
            async () => await RefusedAsync(system, $"round{round++}-") == Users,
            "both replicas count all users together"
        );
    }

    /// <summary>Lets users exhaust their limit on one replica, and counts those that the other one refuses.</summary>
    private static async Task<int> RefusedAsync(World system, string prefix)
    {
        var refused = await Task.WhenAll(
            Enumerable
                .Range(0, Users)
                .Select(async number =>
                {
                    for (var i = 0; i < Limit; i++)
                        Assert.Equal(200, await OpenAsync(system.Replicas[0], $"{prefix}{number}"));
                    return await OpenAsync(system.Replicas[1], $"{prefix}{number}");
                })
        );
        return refused.Count(status => status == 429);
    }

    private static Task<int> OpenAsync(RunningService replica, string user) =>
        replica.Url.StatusAsync("GET /v1/events/stream?topic=orders.a", Tokens.Of(user, subscribe: ["orders.>"]));
}
