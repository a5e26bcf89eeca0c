using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>
/// Stands between the Broadcaster's Redis channel and the one that stream servers listen to, and loses, doubles and
/// reorders messages between them as it is told.
/// </summary>
internal sealed class UnreliableChannel : IAsyncDisposable
{
    private readonly ConnectionMultiplexer _redis;
    private readonly ISubscriber _subscriber;
    private readonly string _to;
    private readonly Lock _gate = new();
    private Random _random = new(0);
    private ChannelMessage? _held;
    private (int Lost, int Doubled, int Held) _percent;

    private UnreliableChannel(ConnectionMultiplexer redis, string to)
    {
        _redis = redis;
        _subscriber = redis.GetSubscriber();
        _to = to;
    }

    /// <summary>The name that stream servers are given.</summary>
    public string To => _to;

    public int Lost { get; private set; }
    public int Doubled { get; private set; }
    public int Reordered { get; private set; }

    public static async Task<UnreliableChannel> OpenAsync(string redis, string from, string to)
    {
        var channel = new UnreliableChannel(await TestRedis.ConnectAsync(redis), to);
        var messages = await channel._subscriber.SubscribeAsync(RedisChannel.Literal(from));
        messages.OnMessage(channel.Pass);
        return channel;
    }

    /// <summary>Sets the percentages of messages that are lost, doubled and held. The seed chooses the
    /// messages.</summary>
    public void Treat(int lost, int doubled, int held, int seed)
    {
        lock (_gate)
        {
            _percent = (lost, doubled, held);
            _random = new Random(seed);

            // From the first message on the seed alone decides.
            if (_held is { } late)
                Send(late);
            _held = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _redis.CloseAsync();
        _redis.Dispose();
    }

    private void Pass(ChannelMessage message)
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

    private void Send(ChannelMessage message) =>
        _subscriber.Publish(RedisChannel.Literal(_to), message.Message, CommandFlags.FireAndForget);
}
