using StackExchange.Redis;

namespace EventStore;

/// <summary>
/// Finds wrong connection strings when a service starts: a server named twice, a cluster among several servers, a
/// cluster that is not whole, a node that sends every key elsewhere. An unreachable Redis does not fail the start.
/// </summary>
internal static class RedisStartCheck
{
    /// <summary>Longest delay of a service's start.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private const string AllSlots = "16384";

    /// <exception cref="InvalidOperationException">The servers cannot be used as they are named.</exception>
    public static async Task RunAsync(
        IReadOnlyList<RedisServer> servers,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var looks = await Task.WhenAll(servers.Select(server => LookAsync(server, clock, cancellationToken)));
        for (var i = 0; i < looks.Length; i++)
        {
            if (looks[i].Problem is { } problem)
                throw new InvalidOperationException($"Redis {servers[i].Name} cannot be used: {problem}");
            if (looks[i].IsCluster && servers.Count > 1)
                throw new InvalidOperationException(
                    $"Redis {servers[i].Name} is a node of a Redis Cluster, which cannot be one of several servers. "
                        + "Name the nodes of one cluster between commas, and no other server."
                );
            for (var j = 0; j < i; j++)
                if (looks[i].Identity is { } identity && identity == looks[j].Identity)
                    throw new InvalidOperationException(
                        $"Redis {servers[j].Name} and {servers[i].Name} are the same server. Remove one of them."
                    );
        }
    }

    private static async Task<Look> LookAsync(
        RedisServer server,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        using var limit = new CancellationTokenSource(Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var look = default(Look);
        try
        {
            var redis = await server.OpenAsync().WaitAsync(either.Token);
            if (!redis.IsConnected)
                return look;
            var database = redis.GetDatabase();
            var info = Fields(await database.ExecuteAsync("INFO", "server").WaitAsync(either.Token));
            look = new Look(info.GetValueOrDefault("run_id"), info.GetValueOrDefault("redis_mode") == "cluster", null);
            if (!look.IsCluster)
                return look;
            // A cluster that was just created, or fails over, reports this problem for a moment.
            while (await ProblemAsync(database, either.Token) is { } problem)
            {
                look = look with { Problem = problem };
                await Task.Delay(Pause, clock, either.Token);
            }
            return look with { Problem = null };
        }
        catch (Exception e)
            when (e is RedisException or TimeoutException
                || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return look; // unreachable, or not allowed to ask
        }
    }

    private static async Task<string?> ProblemAsync(IDatabase database, CancellationToken cancellationToken)
    {
        var state = Fields(await database.ExecuteAsync("CLUSTER", "INFO").WaitAsync(cancellationToken));
        if (state.GetValueOrDefault("cluster_slots_assigned") is { } assigned && assigned != AllSlots)
            return $"its cluster is not whole, {assigned} of {AllSlots} hash slots have a node. Complete it "
                + "(redis-cli --cluster create, redis-cli --cluster fix).";
        // A few keys of different hash slots.
        for (var i = 0; i < 8; i++)
        {
            try
            {
                // Without redirection, because the client would reconnect to a node that sends keys to itself.
                await database
                    .KeyExistsAsync($"aspire-sse:check:{i}", CommandFlags.NoRedirect)
                    .WaitAsync(cancellationToken);
            }
            catch (RedisServerException e) when (e.Message.Contains("MOVED", StringComparison.Ordinal))
            {
                return $"it sends keys to a node that does not take them ({e.Message}). Name the cluster's nodes as "
                    + "this machine reaches them, and see that they announce these addresses (cluster-announce-ip).";
            }
        }
        return null;
    }

    private static Dictionary<string, string> Fields(RedisResult answer)
    {
        var fields = new Dictionary<string, string>();
        foreach (var line in ((string?)answer ?? "").Split('\n', StringSplitOptions.TrimEntries))
            if (line.Split(':', 2) is [var name, var value])
                fields[name] = value;
        return fields;
    }

    /// <param name="Identity">The server's run id; null if unknown.</param>
    /// <param name="Problem">The reason that it cannot be used, and what to do; null without one.</param>
    private readonly record struct Look(string? Identity, bool IsCluster, string? Problem);
}
