using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace StreamApi.Security.Limits;

/// <summary>Requests permits from Redis. If it, or the node of a cluster, does not answer or runs no scripts, each
/// replica counts for itself, and now and then one request tries again.</summary>
internal sealed class SharedCounts(
    RedisLink redis,
    IOptions<EventStoreOptions> store,
    IOptions<LimitOptions> options,
    TimeProvider clock,
    ILogger<SharedCounts> logger
)
{
    /// <summary>Time until the next request after one without an answer.</summary>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);

    /// <summary>The same after a refusal, which an operator ends.</summary>
    private static readonly TimeSpan RefusedInterval = TimeSpan.FromMinutes(5);

    /// <summary>Parts of a cluster's keys, by their hash slots. A node that fails affects only its own.</summary>
    private const int Parts = 64,
        SlotsOfPart = 256;

    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.Value.RedisMilliseconds);

    /// <summary>For each part of the keys the timestamp of the next request after one without an answer; 0 if there are
    /// answers.</summary>
    private readonly long[] _retryAt = new long[Parts];

    /// <summary>Takes permits. Null if this replica counts for itself.</summary>
    public async ValueTask<Permits?> TakeAsync(RedisRate limit, string key)
    {
        // Systems that share a Redis have separate channels and counts. A script has one key: a cluster needs no hash
        // tag.
        var name = $"{store.Value.Channel}:limit:{key}";
        // Not open yet: the connection would delay the request.
        if (redis.OpenAsync() is not { IsCompletedSuccessfully: true } opened)
            return null;

        var open = await opened;
        var part = Math.Max(0, open.HashSlot(name)) / SlotsOfPart;
        if (!IsDue(part, out var isRetry))
            return null;

        try
        {
            var answer = (long[]?)
                await open.GetDatabase()
                    .ScriptEvaluateAsync(limit.Script, [name], [.. limit.Arguments, limit.Block])
                    .WaitAsync(_timeout, clock);

            if (isRetry && Interlocked.Exchange(ref _retryAt[part], 0) > 0)
                logger.LogInformation("Redis counts again; its limits cover all replicas");

            return new Permits((int)answer![0], TimeSpan.FromMilliseconds(Math.Max(1, answer[1])));
        }
        catch (RedisServerException e) when (HasNoScripts(e.Message))
        {
            if (Interlocked.Exchange(ref _retryAt[part], After(RefusedInterval)) == 0)
                logger.LogWarning(
                    "Redis runs no Lua scripts (EVAL), so each replica counts its limits for itself, "
                        + "and clients have each limit once per replica: {Reason}",
                    e.Message
                );
            return null;
        }
        // Any: what was under way on a connection that is closed ends with exceptions of its sockets and pipes.
        catch (Exception e)
        {
            if (Interlocked.Exchange(ref _retryAt[part], After(RetryInterval)) == 0)
                logger.LogWarning(
                    "Redis does not count limits; each replica counts them for itself until it does: {Reason}",
                    e.Message
                );
            return null;
        }
    }

    /// <summary>True for what Garnet says without <c>--lua</c>, and Redis of a command that its configuration renames
    /// or its access list forbids.</summary>
    private static bool HasNoScripts(string refusal) =>
        refusal.Contains("Lua scripting support disabled", StringComparison.Ordinal)
        || refusal.Contains("'eval'", StringComparison.OrdinalIgnoreCase);

    private long After(TimeSpan interval) =>
        clock.GetTimestamp() + (long)(interval.TotalSeconds * clock.TimestampFrequency);

    /// <summary>Returns true if this request may ask Redis.</summary>
    private bool IsDue(int part, out bool isRetry)
    {
        var again = Interlocked.Read(ref _retryAt[part]);
        isRetry = again > 0;
        return !isRetry
            || (
                clock.GetTimestamp() >= again
                && Interlocked.CompareExchange(ref _retryAt[part], After(RetryInterval), again) == again
            );
    }
}

/// <summary>The answer of Redis.</summary>
/// <param name="Given">Number of permits; 0 if refused.</param>
/// <param name="Wait">Time until permits may be available again.</param>
internal readonly record struct Permits(int Given, TimeSpan Wait);
