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
internal sealed class RedisIntake(IConnectionMultiplexer redis, IOptions<EventStoreOptions> store, ILogger<RedisIntake> logger) : BackgroundService
{
    private readonly RedisChannel _channel = new(store.Value.Channel, RedisChannel.PatternMode.Literal);
    private readonly Channel<RelayMessage> _messages = Channel.CreateBounded<RelayMessage>(new BoundedChannelOptions(1_024)
    {
        FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true,
    });

    public ChannelReader<RelayMessage> Messages => _messages.Reader;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // Resubscribed by the client after every reconnect; without Redis at the start, as soon as it is there.
                await redis.GetSubscriber().SubscribeAsync(_channel, (_, value) => Take(value)).WaitAsync(TimeSpan.FromSeconds(5), stoppingToken);
                return;
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                logger.LogWarning("Redis does not take the subscription, trying again: {Reason}", e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Take(RedisValue value)
    {
        try { _messages.Writer.TryWrite(RelayMessage.Parse((byte[])value!)); }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException) { logger.LogWarning("Not a relay message: {Reason}", e.Message); }
    }
}
