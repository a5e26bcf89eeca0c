using System.Diagnostics.Metrics;

namespace EventStore;

/// <summary>
/// The Redis servers that the connection string names. Each channel and each key has one of them, by rendezvous
/// hashing, so that an unavailable server affects only its own. Thread-safe.
/// </summary>
public sealed class RedisServers : IDisposable
{
    private readonly ulong[] _hashes;
    private readonly TimeProvider _clock;

    internal RedisServers(IReadOnlyList<RedisServer> servers, TimeProvider clock, IMeterFactory meters)
    {
        (All, _clock) = (servers, clock);
        _hashes = [.. servers.Select(server => Rendezvous.Hash(server.Name))];
        foreach (var server in servers)
            (server.HasPeers, server.HeartbeatAt) = (servers.Count > 1, clock.GetTimestamp());
        meters
            .Create("AspireSse.EventStore")
            .CreateObservableGauge(
                "relay.redis.available",
                () =>
                    servers.Select(s => new Measurement<int>(
                        s.IsUnavailable ? 0 : 1,
                        KeyValuePair.Create<string, object?>("server.address", s.Name)
                    )),
                "{server}",
                "1 while the Redis server accepts and delivers messages."
            );
    }

    /// <summary>The servers, in the order of the connection string. A Redis Cluster counts as one.</summary>
    public IReadOnlyList<RedisServer> All { get; }

    /// <summary>The names of the unavailable servers, for messages; empty if there are none.</summary>
    public string Unavailable =>
        string.Join(", ", All.Where(server => server.IsUnavailable).Select(server => server.Name));

    /// <summary>Returns the server of a channel or key.</summary>
    public RedisServer For(string channelOrKey) =>
        All[_hashes.Length == 1 ? 0 : Rendezvous.Choose(_hashes, channelOrKey)];

    /// <summary>Records that a heartbeat came by a server. Servers by which none came for <paramref name="silence"/>,
    /// while this one brought some, count as unavailable.</summary>
    public void HeartbeatFrom(RedisServer server, TimeSpan silence)
    {
        var before = server.HeartbeatAt;
        server.HeartbeatAt = _clock.GetTimestamp();
        server.SetSilent(false);
        foreach (var other in All)
            if (_clock.GetElapsedTime(other.HeartbeatAt, before) > silence)
                other.SetSilent(true);
    }

    public void Dispose()
    {
        foreach (var server in All)
            server.Dispose();
    }
}
