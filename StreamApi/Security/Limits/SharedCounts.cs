using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace StreamApi.Security.Limits;

/// <summary>
/// Requests permits from Redis. If Redis does not answer, each replica counts for itself, and one request every few
/// seconds checks whether it is back.
/// </summary>
internal sealed class SharedCounts(
    Lazy<IConnectionMultiplexer> redis,
    IOptions<EventStoreOptions> store,
    IOptions<LimitOptions> options,
    TimeProvider clock,
    ILogger<SharedCounts> logger
)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);
    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.Value.RedisMilliseconds);
    private long _retryAt;

    /// <summary>Takes permits; null if Redis does not answer.</summary>
    public async ValueTask<Permits?> TakeAsync(SharedLimit limit, string key)
    {
        // Not connected yet: opening the connection here would block this thread.
        if (!redis.IsValueCreated)
            return null;
        var again = Interlocked.Read(ref _retryAt);
        if (
            again > 0
            && (clock.GetTimestamp() < again || Interlocked.CompareExchange(ref _retryAt, Later, again) != again)
        )
            return null;
        try
        {
            // Systems that share a Redis have separate channels and separate counts.
            var answer = (long[]?)
                await redis
                    .Value.GetDatabase()
                    .ScriptEvaluateAsync(
                        limit.Script,
                        [$"{store.Value.Channel}:limit:{key}"],
                        [.. limit.Arguments, limit.Block]
                    )
                    .WaitAsync(_timeout);
            if (again > 0 && Interlocked.Exchange(ref _retryAt, 0) > 0)
                logger.LogInformation("Redis answers again; limits cover all replicas");
            return new Permits((int)answer![0], TimeSpan.FromMilliseconds(Math.Max(1, answer[1])));
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            if (Interlocked.Exchange(ref _retryAt, Later) == 0)
                logger.LogWarning(
                    "Redis does not answer; each replica counts limits for itself until it does: {Reason}",
                    e.Message
                );
            return null;
        }
    }

    private long Later => clock.GetTimestamp() + (long)(RetryInterval.TotalSeconds * clock.TimestampFrequency);
}

/// <summary>The answer of Redis.</summary>
/// <param name="Given">Number of permits; 0 if refused.</param>
/// <param name="Wait">Time until permits may be available again.</param>
internal readonly record struct Permits(int Given, TimeSpan Wait);
