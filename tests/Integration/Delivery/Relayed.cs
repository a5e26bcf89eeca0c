using EventStore;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>The relay's messages as a test sees them on Redis.</summary>
internal static class Relayed
{
    /// <summary>Reads a message without looking at its signature.</summary>
    public static RelayPage Read(ChannelMessage message) =>
        RelayFormat.Parse(((byte[])message.Message!).AsMemory()[..^33]);

    /// <summary>Waits until every replica of a system has subscribed: an event from before comes from the
    /// store.</summary>
    public static Task SubscribedAsync(World system) => SubscribedAsync(system.Channel, system.Replicas.Count);

    /// <summary>Waits until a channel has so many subscribers.</summary>
    public static async Task SubscribedAsync(string name, int count)
    {
        using var redis = await TestRedis.ConnectAsync(Stores.Shared.Redis, allowAdmin: true);
        var server = redis.GetServer(redis.GetEndPoints()[0]);
        var channel = RedisChannel.Literal(name);

        await Eventually.HoldsAsync(
            async () => await server.SubscriptionSubscriberCountAsync(channel) == count,
            "all have subscribed"
        );
    }

    /// <summary>Publishes a page on a system's channel, with the signature of its store.</summary>
    public static Task PublishAsync(
        this ISubscriber redis,
        string channel,
        RelaySecret secret,
        RelayPage page,
        params IReadOnlyList<EventRecord> events
    ) => redis.PublishAsync(RedisChannel.Literal(channel), secret.Sign(RelayFormat.ToBytes(page, events)));
}
