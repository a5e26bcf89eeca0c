using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Broadcaster;

/// <summary>Publishes with a time limit: a Redis that is away or frozen costs a bounded wait, never the relay.</summary>
internal sealed class RedisPublisher(Lazy<IConnectionMultiplexer> redis, IOptions<RelayOptions> options, IOptions<EventStoreOptions> store, RelayMetrics metrics, ILogger<RedisPublisher> logger)
{
    private readonly RedisChannel _channel = new(store.Value.Channel, RedisChannel.PatternMode.Literal);
    private bool _failing;

    public async Task PublishAsync(RelayMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await redis.Value.GetSubscriber().PublishAsync(_channel, message.ToBytes())
                .WaitAsync(TimeSpan.FromMilliseconds(options.Value.PublishTimeoutMilliseconds), cancellationToken);
            if (_failing) logger.LogInformation("Redis takes messages again");
            _failing = false;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            metrics.Failed();
            if (!_failing) logger.LogWarning("Redis does not take messages, stream servers read the store meanwhile: {Reason}", e.Message);
            _failing = true;
        }
    }
}
