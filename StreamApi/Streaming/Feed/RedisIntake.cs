using System.Text.Json;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace StreamApi.Streaming.Feed;

/// <summary>
/// What comes from Redis, in order. Bounded: a feed that cannot keep up loses the oldest messages, finds the gap and reads it from the
/// store. Redis loses, doubles and delays as it likes; nothing here trusts it.
/// </summary>
internal sealed class RedisIntake(
    Lazy<IConnectionMultiplexer> redis, IOptions<EventStoreOptions> store, IOptions<StreamingOptions> streaming, TimeProvider clock,
    ILogger<RedisIntake> logger) : LastingService(logger)
{
    private readonly TimeSpan _patience = TimeSpan.FromSeconds(5), _silence = TimeSpan.FromSeconds(3 * streaming.Value.BeatSeconds);
    private readonly RedisChannel _channel = new(store.Value.Channel, RedisChannel.PatternMode.Literal);
    private readonly Channel<RelayMessage> _messages = Channel.CreateBounded<RelayMessage>(new BoundedChannelOptions(1_024)
    {
        FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true,
    });
    private long _heardAt = long.MinValue / 2;

    public ChannelReader<RelayMessage> Messages => _messages.Reader;

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try { if (clock.GetElapsedTime(Volatile.Read(ref _heardAt)) >= _silence) await SubscribeAsync(stoppingToken); }
            catch (Exception e) when (e is RedisException or TimeoutException) { Logger.LogWarning("Redis does not take the subscription, trying again: {Reason}", e.Message); }
            await Task.Delay(TimeSpan.FromSeconds(1), clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// The client subscribes again after every reconnect that it notices. Where nothing comes although the Broadcaster should beat, the subscription is
    /// made anew: what the client holds for subscribed need not be so on the server.
    /// </summary>
    private async Task SubscribeAsync(CancellationToken stoppingToken)
    {
        var subscriber = redis.Value.GetSubscriber();
        await subscriber.UnsubscribeAsync(_channel).WaitAsync(_patience, stoppingToken);
        // A queue: handlers given to SubscribeAsync itself run in no order.
        var messages = await subscriber.SubscribeAsync(_channel).WaitAsync(_patience, stoppingToken);
        messages.OnMessage(message => Take(message.Message));
        Volatile.Write(ref _heardAt, clock.GetTimestamp());
    }

    private void Take(RedisValue value)
    {
        Volatile.Write(ref _heardAt, clock.GetTimestamp());
        try { _messages.Writer.TryWrite(RelayMessage.Parse((byte[])value!)); }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException) { Logger.LogWarning("Not a relay message: {Reason}", e.Message); }
    }
}
