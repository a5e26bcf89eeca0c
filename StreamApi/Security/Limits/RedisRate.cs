using StackExchange.Redis;

namespace StreamApi.Security.Limits;

/// <summary>
/// A limit that Redis counts for all replicas, atomically and by its own clock. The script returns the number of
/// permits it gives, and if it gives none, the milliseconds to wait.
/// </summary>
/// <param name="Script">The Lua script.</param>
/// <param name="Arguments">Its arguments; the number of wanted permits follows them.</param>
/// <param name="Block">Permits that a replica takes at once, so that a busy client causes few requests to Redis: a
/// twentieth of what the limit admits in their lifetime, because the client loses those that it does not use.</param>
/// <param name="Lifetime">Time for which a replica may keep them.</param>
internal sealed record RedisRate(string Script, RedisValue[] Arguments, int Block, TimeSpan Lifetime)
{
    public const int Segments = 12;

    /// <summary>Part of a limit that a replica takes at once, of what it admits in the permits' lifetime.</summary>
    private const int BlocksPerLifetime = 20;

    private static readonly TimeSpan BucketLifetime = TimeSpan.FromSeconds(2);

    /// <summary>A hash of counts by time segment.</summary>
    private const string WindowScript = """
        local limit, length = tonumber(ARGV[1]), tonumber(ARGV[2])
        local segments, wanted = tonumber(ARGV[3]), tonumber(ARGV[4])
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local segment, used, oldest = math.floor(now / length), 0, nil
        local counts = redis.call('HGETALL', KEYS[1])
        for i = 1, #counts, 2 do
          local at = tonumber(counts[i])
          if at <= segment - segments then redis.call('HDEL', KEYS[1], counts[i])
          else
            used = used + tonumber(counts[i + 1])
            if oldest == nil or at < oldest then oldest = at end
          end
        end
        local given = math.max(0, math.min(wanted, limit - used))
        if given > 0 then
          redis.call('HINCRBY', KEYS[1], segment, given)
          redis.call('PEXPIRE', KEYS[1], segments * length)
        end
        return { given, ((oldest or segment) + segments) * length - now }
        """;

    /// <summary>A hash of the tokens and the time they were counted.</summary>
    private const string BucketScript = """
        local rate, most, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local time = redis.call('TIME')
        local now = time[1] * 1000 + time[2] / 1000
        local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
        local passed = math.max(0, now - (tonumber(bucket[2]) or now))
        local tokens = math.min(most, (tonumber(bucket[1]) or most) + passed * rate / 1000)
        local given = math.min(wanted, math.floor(tokens))
        redis.call('HSET', KEYS[1], 'tokens', tokens - given, 'at', now)
        redis.call('PEXPIRE', KEYS[1], math.ceil(most * 1000 / rate) + 1000)
        return { given, math.ceil((wanted - tokens) * 1000 / rate) }
        """;

    /// <summary>A sliding window, like .NET's.</summary>
    public static RedisRate Window(int limit, TimeSpan window) =>
        new(
            WindowScript,
            [limit, (long)(window / Segments).TotalMilliseconds, Segments],
            Math.Max(1, limit / Segments / BlocksPerLifetime),
            window / Segments
        );

    /// <summary>A token bucket.</summary>
    public static RedisRate Bucket(int perSecond, int most) =>
        new(
            BucketScript,
            [perSecond, most],
            Math.Max(1, perSecond * (int)BucketLifetime.TotalSeconds / BlocksPerLifetime),
            BucketLifetime
        );
}
