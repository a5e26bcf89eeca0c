using EventStore;
using StackExchange.Redis;

namespace Benchmarks.Slots;

/// <summary>
/// Counts the bytes of the relay's heartbeats and page indexes as a subscriber of Redis receives them.
/// </summary>
internal sealed class RelayTap : IDisposable
{
    private const byte Index = (byte)'p';

    private readonly ConnectionMultiplexer _redis;
    private long _indexes,
        _heartbeats,
        _ownHeartbeats;

    private RelayTap(ConnectionMultiplexer redis) => _redis = redis;

    /// <summary>Bytes of the page indexes since <see cref="Restart"/>.</summary>
    public long Indexes => Interlocked.Read(ref _indexes);

    /// <summary>Bytes of the heartbeats on both channels, which a replica with readers receives.</summary>
    public long Heartbeats => OwnHeartbeats + Interlocked.Read(ref _heartbeats);

    /// <summary>Bytes of the heartbeats on their own channel, which every replica receives.</summary>
    public long OwnHeartbeats => Interlocked.Read(ref _ownHeartbeats);

    public static async Task<RelayTap> OpenAsync(string redis)
    {
        var tap = new RelayTap(await ConnectionMultiplexer.ConnectAsync(redis));
        var channel = new EventStoreOptions().Channel;
        await tap.CountAsync(channel, bytes => Interlocked.Add(ref tap._ownHeartbeats, bytes.Framed));
        await tap.CountAsync(
            RelayChannels.Pages(channel),
            bytes => Interlocked.Add(ref (bytes.Kind == Index ? ref tap._indexes : ref tap._heartbeats), bytes.Framed)
        );
        return tap;
    }

    public void Restart()
    {
        Interlocked.Exchange(ref _indexes, 0);
        Interlocked.Exchange(ref _heartbeats, 0);
        Interlocked.Exchange(ref _ownHeartbeats, 0);
    }

    public void Dispose() => _redis.Dispose();

    private async Task CountAsync(string channel, Action<(byte Kind, int Framed)> count)
    {
        var messages = await _redis
            .GetSubscriber()
            .SubscribeAsync(new RedisChannel(channel, RedisChannel.PatternMode.Literal));
        messages.OnMessage(message =>
        {
            var bytes = (byte[])message.Message!;
            count((bytes[1], Framed(channel, bytes.Length)));
        });
    }

    /// <summary>Bytes of <c>*3\r\n$7\r\nmessage\r\n$…\r\n(channel)\r\n$…\r\n(message)\r\n</c>.</summary>
    public static int Framed(string channel, int length) =>
        4 + 13 + Digits(channel.Length) + 5 + channel.Length + Digits(length) + 5 + length;

    private static int Digits(int n) => n < 10 ? 1 : 1 + Digits(n / 10);
}
