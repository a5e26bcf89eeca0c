using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace StreamApi.Security.Limits;

/// <summary>
/// Requests permits from Redis; with several servers, from the one of the key. If the server or the cluster's node does
/// not answer, each replica counts for itself, and one request every few seconds checks whether it is back.
/// </summary>
internal sealed class SharedCounts(
    RedisServers servers,
    IOptions<EventStoreOptions> store,
    IOptions<LimitOptions> options,
    TimeProvider clock,
    ILogger<SharedCounts> logger
)
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);
    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.Value.RedisMilliseconds);
    private readonly Dictionary<RedisServer, Contact[]> _contacts = servers.All.ToDictionary(
        server => server,
        _ => Enumerable.Range(0, RedisServer.HashRanges).Select(_ => new Contact()).ToArray()
    );

    /// <summary>Takes permits; null if Redis does not answer.</summary>
    public async ValueTask<Permits?> TakeAsync(SharedLimit limit, string key)
    {
        // Systems that share a Redis have separate channels and counts. A script has one key: a cluster needs no hash
        // tag.
        var name = $"{store.Value.Channel}:limit:{key}";
        var server = servers.For(name);
        // Not connected yet: opening the connection would delay the request.
        if (server.Connection is null)
            return null;
        var contact = _contacts[server][server.RangeOf(name)];
        var again = Interlocked.Read(ref contact.RetryAt);
        if (
            again > 0
            && (clock.GetTimestamp() < again || Interlocked.CompareExchange(ref contact.RetryAt, Later, again) != again)
        )
            return null;
        try
        {
            var answer = (long[]?)
                await server.AskAsync(
                    redis => redis.ScriptEvaluateAsync(limit.Script, [name], [.. limit.Arguments, limit.Block]),
                    _timeout,
                    CancellationToken.None
                );
            if (again > 0 && Interlocked.Exchange(ref contact.RetryAt, 0) > 0)
                logger.LogInformation("Redis {Server} answers again; its limits cover all replicas", server.Name);
            return new Permits((int)answer![0], TimeSpan.FromMilliseconds(Math.Max(1, answer[1])));
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            if (Interlocked.Exchange(ref contact.RetryAt, Later) == 0)
                logger.LogWarning(
                    "Redis {Server} does not answer; each replica counts its limits for itself until it does: {Reason}",
                    server.Name,
                    e.Message
                );
            return null;
        }
    }

    private long Later => clock.GetTimestamp() + (long)(RetryInterval.TotalSeconds * clock.TimestampFrequency);

    private sealed class Contact
    {
        /// <summary>Timestamp of the next request after one without an answer; 0 if there are answers.</summary>
        public long RetryAt;
    }
}

/// <summary>The answer of Redis.</summary>
/// <param name="Given">Number of permits; 0 if refused.</param>
/// <param name="Wait">Time until permits may be available again.</param>
internal readonly record struct Permits(int Given, TimeSpan Wait);
