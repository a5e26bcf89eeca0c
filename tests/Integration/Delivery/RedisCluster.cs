using System.Net;
using System.Net.Sockets;

namespace Integration.Delivery;

/// <summary>A Redis Cluster of three masters with a replica each, which fails over within about two seconds.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private const int BusDistance = 10_000;
    private static readonly string[] Options =
    [
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        "1000",
        // A replica's last contact with its master does not delay its election.
        "--cluster-replica-validity-factor",
        "0",
    ];

    private readonly List<RedisNode> _nodes = [];

    public IReadOnlyList<RedisNode> Nodes => _nodes;

    /// <summary>Its connection string: every node, between commas.</summary>
    public string Address => string.Join(',', _nodes.Select(node => node.Address));

    public static async Task<RedisCluster> StartAsync()
    {
        var cluster = new RedisCluster();
        try
        {
            foreach (var port in Ports(6))
                cluster._nodes.Add(await StartNodeAsync(port));

            var nodes = cluster._nodes.Select(node => node.Address);
            var created = await cluster
                ._nodes[0]
                .AskAsync(["--cluster", "create", .. nodes, "--cluster-replicas", "1", "--cluster-yes"]);
            Assert.Contains("All 16384 slots covered", created, StringComparison.Ordinal);
            await WaitUntilWholeAsync(cluster._nodes[0]);
            await Eventually.HoldsAsync(
                async () => (await cluster._nodes[0].AskAsync("cluster", "nodes")).Split("slave ").Length == 4,
                "every master has a replica"
            );

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a node that belongs to no cluster yet.</summary>
    public static Task<RedisNode> StartNodeAsync(int? port = null) =>
        RedisNode.StartAsync(port ?? Ports(1)[0], Options);

    /// <summary>The master of a key or channel, as a node other than <paramref name="gone"/> knows it. Null if its hash
    /// slot has none now.</summary>
    public async Task<RedisNode?> MasterAsync(string key, RedisNode? gone = null)
    {
        var asked = _nodes.First(node => node != gone);
        var slot = int.Parse(await asked.AskAsync("cluster", "keyslot", key), provider: null);

        // 4e1… 127.0.0.1:20001@30001 myself,master - 0 1763… 1 connected 0-5460
        foreach (var line in (await asked.AskAsync("cluster", "nodes")).Split('\n'))
        {
            var fields = line.Split(' ');
            if (fields[2].Contains("fail", StringComparison.Ordinal))
                continue;
            foreach (var range in fields[8..].Select(r => r.Split('-')))
                if (int.Parse(range[0], provider: null) <= slot && slot <= int.Parse(range[^1], provider: null))
                    return _nodes.Single(n => fields[1].StartsWith($"{n.Address}@", StringComparison.Ordinal));
        }

        return null;
    }

    /// <summary>Waits until every node names the same masters, also one that has just started with what it
    /// knew.</summary>
    public Task WaitUntilAgreedAsync() =>
        Eventually.HoldsAsync(
            async () =>
            {
                var answers = await Task.WhenAll(_nodes.Select(MastersAsync));
                return answers.All(masters => masters.Length == 3 && masters.SequenceEqual(answers[0]));
            },
            "every node names the same three masters"
        );

    /// <summary>The slots of each master and its address, as one node knows them.</summary>
    private static async Task<string[]> MastersAsync(RedisNode asked) =>
        [
            .. (await asked.AskAsync("cluster", "nodes"))
                .Split('\n')
                .Select(line => line.Split(' '))
                .Where(fields => fields.Length > 8 && !fields[2].Contains("fail", StringComparison.Ordinal))
                .Select(fields => $"{string.Join(' ', fields[8..])} {fields[1].Split('@')[0]}")
                .Order(StringComparer.Ordinal),
        ];

    public static Task WaitUntilWholeAsync(RedisNode asked) =>
        Eventually.HoldsAsync(
            async () =>
                (await asked.AskAsync("cluster", "info")).Contains("cluster_state:ok", StringComparison.Ordinal),
            "the cluster is whole"
        );

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
    }

    /// <summary>Ports whose bus port is free too, below those that the system gives to clients.</summary>
    public static List<int> Ports(int count)
    {
        var free = new List<int>();
        for (var port = Random.Shared.Next(15_000, 22_000); free.Count < count; port++)
            if (IsFree(port) && IsFree(port + BusDistance))
                free.Add(port);

        return free;

        static bool IsFree(int port)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }
}
