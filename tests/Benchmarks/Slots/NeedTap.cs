using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Benchmarks.Slots;

/// <summary>
/// Receives the same bodies as some replicas, and counts the bytes that each of them would receive if a body had only
/// the events that its readers need.
/// </summary>
internal sealed class NeedTap : IDisposable
{
    private readonly ConnectionMultiplexer _redis;
    private readonly RelayFormat _format;
    private readonly IReadOnlyList<SlotReplica> _replicas;
    private readonly long[] _bytes;

    private NeedTap(ConnectionMultiplexer redis, RelayFormat format, IReadOnlyList<SlotReplica> replicas) =>
        (_redis, _format, _replicas, _bytes) = (redis, format, replicas, new long[replicas.Count]);

    /// <summary>Bytes that each replica has needed.</summary>
    public IReadOnlyList<long> Bytes => [.. _replicas.Select((_, n) => Interlocked.Read(ref _bytes[n]))];

    /// <param name="redis">Connection string of Redis.</param>
    /// <param name="slots">The number of slots.</param>
    /// <param name="replicas">The replicas, which have their readers.</param>
    public static async Task<NeedTap> OpenAsync(string redis, int slots, IReadOnlyList<SlotReplica> replicas)
    {
        var division = new TopicSlots(Options.Create(new EventStoreOptions { Slots = slots }));
        var tap = new NeedTap(await ConnectionMultiplexer.ConnectAsync(redis), new RelayFormat(division), replicas);
        foreach (var slot in replicas.SelectMany(r => r.Topics).Select(topic => division.Of(topic)).Distinct())
        {
            var channel = RelayChannels.Slot(new EventStoreOptions().Channel, slot);
            var messages = await tap
                ._redis.GetSubscriber()
                .SubscribeAsync(new RedisChannel(channel, RedisChannel.PatternMode.Literal));
            messages.OnMessage(message => tap.Count(channel, (byte[])message.Message!));
        }
        return tap;
    }

    public void Dispose() => _redis.Dispose();

    private void Count(string channel, byte[] message)
    {
        var body = (SlotBody)_format.Parse(message.AsMemory()[..^SlotSimulation.SignatureBytes]);
        for (var n = 0; n < _replicas.Count; n++)
        {
            var own = body.Events.Where(e => _replicas[n].Topics.Contains(e.Topic)).ToList();
            if (own.Count == 0)
                continue;
            var length = _format.ToBytes(body with { Events = own }).Length + SlotSimulation.SignatureBytes;
            Interlocked.Add(ref _bytes[n], RelayTap.Framed(channel, length));
        }
    }
}
