using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace StreamApi.Security.Limits;

/// <summary>
/// Asks Redis for permits. Where it does not answer, each replica counts for itself: nobody is refused because Redis is
/// away, and nobody
/// waits for it again and again, for one asks every few seconds whether it is back.
/// </summary>
internal sealed class SharedCounts(
    Lazy<IConnectionMultiplexer> redis,
    IOptions<EventStoreOptions> store,
    IOptions<LimitOptions> options,
    ILogger<SharedCounts> logger
)
{
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(5);
    private readonly TimeSpan _patience = TimeSpan.FromMilliseconds(options.Value.RedisMilliseconds);
    private long _askAgainAt;

    /// <summary>Null where Redis does not answer.</summary>
    public async ValueTask<Permits?> TakeAsync(SharedLimit limit, string key)
    {
        // Before the connection was tried once: asking for it would hold this thread meanwhile.
        if (!redis.IsValueCreated)
            return null;
        var again = Interlocked.Read(ref _askAgainAt);
        if (
            again > 0
            && (Environment.TickCount64 < again || Interlocked.CompareExchange(ref _askAgainAt, Later, again) != again)
        )
            return null;
        try
        {
            // Systems that share a Redis have a channel each, and counts each.
            var answer = (long[]?)
                await redis
                    .Value.GetDatabase()
                    .ScriptEvaluateAsync(
                        limit.Script,
                        [$"{store.Value.Channel}:limit:{key}"],
                        [.. limit.Arguments, limit.Block]
                    )
                    .WaitAsync(_patience);
            if (again > 0 && Interlocked.Exchange(ref _askAgainAt, 0) > 0)
                logger.LogInformation("Limits are kept over all replicas again");
            return new Permits((int)answer![0], TimeSpan.FromMilliseconds(Math.Max(1, answer[1])));
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            if (Interlocked.Exchange(ref _askAgainAt, Later) == 0)
                logger.LogWarning(
                    "Redis does not count, each replica keeps the limits for itself meanwhile: {Reason}",
                    e.Message
                );
            return null;
        }
    }

    private static long Later => Environment.TickCount64 + (long)Away.TotalMilliseconds;
}

/// <param name="Given">How many; 0: none for now.</param>
/// <param name="Wait">Until there may be some again.</param>
internal readonly record struct Permits(int Given, TimeSpan Wait);
