using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Broadcaster;

/// <summary>Publishes signed messages with a timeout, so that an
/// unreachable or frozen Redis never blocks the relay.</summary>
internal sealed class RedisPublisher(
    Lazy<IConnectionMultiplexer> redis,
    RelaySecret secret,
    IOptions<RelayOptions> options,
    IOptions<EventStoreOptions> store,
    RelayMetrics metrics,
    TimeProvider clock,
    ILogger<RedisPublisher> logger
)
{
    private readonly RedisChannel _channel = new(store.Value.Channel, RedisChannel.PatternMode.Literal);
    private bool _failing;
    private long _sent;

    public async Task PublishAsync(RelayMessage message, CancellationToken cancellationToken)
    {
        // Taken from the clock, so that a leader that restarts with its old fence does not count from the beginning.
        _sent = Math.Max(_sent + 1, clock.GetUtcNow().UtcTicks);
        try
        {
            await redis
                .Value.GetSubscriber()
                .PublishAsync(_channel, secret.Sign((message with { Sent = _sent }).ToBytes()))
                .WaitAsync(TimeSpan.FromMilliseconds(options.Value.PublishTimeoutMilliseconds), cancellationToken);
            if (_failing)
                logger.LogInformation("Redis accepts messages again");
            _failing = false;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            metrics.Failed();
            if (!_failing)
                logger.LogWarning(
                    "Redis does not accept messages, so stream servers read the store until it does: {Reason}",
                    e.Message
                );
            _failing = true;
        }
    }
}
