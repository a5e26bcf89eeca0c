using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>The subscriptions of a system's replicas, as Redis shows them.</summary>
internal static class SubscribedChannels
{
    /// <summary>Waits until these channels, below the heartbeat's, and no others have subscribers.</summary>
    public static async Task WaitForAsync(World system, params string[] expected)
    {
        using var redis = await TestRedis.ConnectAsync(Stores.Shared.Redis, allowAdmin: true);
        var server = redis.GetServer(redis.GetEndPoints()[0]);
        var found = "";
        await Eventually.HoldsAsync(
            async () =>
            {
                var channels = new List<string>();
                var pattern = new RedisChannel(system.Channel + ":*", RedisChannel.PatternMode.Pattern);
                foreach (var channel in await server.SubscriptionChannelsAsync(pattern))
                    channels.AddRange(
                        Enumerable.Repeat(
                            ((string)channel!)[(system.Channel.Length + 1)..],
                            (int)await server.SubscriptionSubscriberCountAsync(channel)
                        )
                    );
                found = string.Join(' ', channels.Order(StringComparer.Ordinal));

                return found == string.Join(' ', expected.Order(StringComparer.Ordinal));
            },
            $"the replicas are subscribed to '{string.Join(' ', expected)}' alone",
            () => $"They are subscribed to '{found}'."
        );
    }
}
