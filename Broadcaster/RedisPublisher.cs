using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Broadcaster;

/// <summary>Publishes, signed, with a time limit: a Redis that is away or frozen costs a bounded wait, never the
/// relay.</summary>
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
        // By the clock, so that a leader which starts again under its old fence does not begin anew.
        _sent = Math.Max(_sent + 1, clock.GetUtcNow().UtcTicks);
        try
        {
            await redis
                .Value.GetSubscriber()
                .PublishAsync(_channel, secret.Sign((message with { Sent = _sent }).ToBytes()))
                .WaitAsync(TimeSpan.FromMilliseconds(options.Value.PublishTimeoutMilliseconds), cancellationToken);
            if (_failing)
                logger.LogInformation("Redis takes messages again");
            _failing = false;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            metrics.Failed();
            if (!_failing)
                logger.LogWarning(
                    "Redis does not take messages, stream servers read the store meanwhile: {Reason}",
                    e.Message
                );
            _failing = true;
        }
    }
}
