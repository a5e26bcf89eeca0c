using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>
/// Stands between the Broadcaster's Redis channel and the one that stream servers listen to, and loses, doubles and
/// reorders messages
/// between them as it is told.
/// </summary>
internal sealed class UnreliableChannel : IAsyncDisposable
{
    private readonly ConnectionMultiplexer _redis;
    private readonly ISubscriber _subscriber;
    private readonly RedisChannel _to;
    private readonly Lock _gate = new();
    private Random _random = new(0);
    private RedisValue? _held;
    private (int Lost, int Doubled, int Held) _percent;

    private UnreliableChannel(ConnectionMultiplexer redis, string to)
    {
        _redis = redis;
        _subscriber = redis.GetSubscriber();
        _to = new RedisChannel(to, RedisChannel.PatternMode.Literal);
    }

    public int Lost { get; private set; }
    public int Doubled { get; private set; }
    public int Reordered { get; private set; }

    public static async Task<UnreliableChannel> OpenAsync(string redis, string from, string to)
    {
        var channel = new UnreliableChannel(await ConnectionMultiplexer.ConnectAsync(redis), to);
        var messages = await channel._subscriber.SubscribeAsync(
            new RedisChannel(from, RedisChannel.PatternMode.Literal)
        );
        messages.OnMessage(message => channel.Pass(message.Message));
        return channel;
    }

    /// <summary>Sets the percentages of messages that are lost, doubled and held. The seed chooses the
    /// messages.</summary>
    public void Treat(int lost, int doubled, int held, int seed)
    {
        lock (_gate)
            (_percent, _random) = ((lost, doubled, held), new Random(seed));
    }

    public async ValueTask DisposeAsync()
    {
        await _redis.CloseAsync();
        _redis.Dispose();
    }

    private void Pass(RedisValue message)
    {
        lock (_gate)
        {
            if (Chance(_percent.Lost))
            {
                Lost++;
                return;
            }
            if (_held is null && Chance(_percent.Held))
            {
                _held = message;
                return;
            }
            Send(message);
            if (Chance(_percent.Doubled))
            {
                Doubled++;
                Send(message);
            }
            if (_held is not { } late)
                return;
            Reordered++;
            Send(late);
            _held = null;
        }
    }

    private bool Chance(int percent) => _random.Next(100) < percent;

    private void Send(RedisValue message) => _subscriber.Publish(_to, message, CommandFlags.FireAndForget);
}
