using EventStore;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>The relay's messages as a test sees them on Redis.</summary>
internal static class Relayed
{
    /// <summary>Reads a message without looking at its signature.</summary>
    public static RelayPage Read(ChannelMessage message) =>
        RelayFormat.Parse(((byte[])message.Message!).AsMemory()[..^33]);

    /// <summary>Publishes a page on a system's channel, with the signature of its store.</summary>
    public static Task PublishAsync(
        this ISubscriber redis,
        string channel,
        RelaySecret secret,
        RelayPage page,
        params IReadOnlyList<EventRecord> events
    ) => redis.PublishAsync(RedisChannel.Literal(channel), secret.Sign(RelayFormat.ToBytes(page, events)));
}
