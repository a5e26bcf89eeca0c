using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>The relay's messages as a test sees them on Redis, with the default slots.</summary>
internal static class Relayed
{
    public static TopicSlots Slots { get; } = new(Options.Create(new EventStoreOptions()));

    public static RelayFormat Format { get; } = new(Slots);

    /// <summary>Reads a message without looking at its signature.</summary>
    public static RelayMessage Read(ChannelMessage message) =>
        Format.Parse(((byte[])message.Message!).AsMemory()[..^33]);
}
