using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>
/// The Redis servers that the connection string names. Each channel and each key has one of them, by rendezvous
/// hashing, so that an unavailable server affects only its own. Thread-safe.
/// </summary>
public sealed class RedisServers
{
    private readonly ulong[] _hashes;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private volatile bool _isPlacedDifferently;

    internal RedisServers(IReadOnlyList<RedisServer> servers, TimeProvider clock, IMeterFactory meters, ILogger logger)
    {
        All = servers;
        _clock = clock;
        _logger = logger;
        _hashes = [.. servers.Select(server => Rendezvous.Hash(server.Name))];
        Placement = Rendezvous.Placement([.. servers.Select(server => server.Name)]);
        foreach (var server in servers)
        {
            server.HasPeers = servers.Count > 1;
            server.HeartbeatAt = clock.GetTimestamp();
        }

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

    /// <summary>A number that is equal in services whose servers have the same channels and keys.</summary>
    public ulong Placement { get; }

    /// <summary>The cause and the remedy if the leading Broadcaster's <see cref="Placement"/> is another one; otherwise
    /// null.</summary>
    public string? Disagreement =>
        _isPlacedDifferently
            ? "The Broadcaster names other Redis servers, or names one differently, so events of some slots are read "
                + "from Postgres, and replicas may count limits apart. This service has "
                + $"{string.Join(';', All.Select(server => server.Name))}. Set the same ConnectionStrings__redis in "
                + "every service."
            : null;

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

    /// <summary>Compares with the <see cref="Placement"/> of the leading Broadcaster. Null, from older versions, is no
    /// disagreement.</summary>
    public void Compare(ulong? placement)
    {
        var isPlacedDifferently = placement is not null && placement != Placement;
        if (isPlacedDifferently == _isPlacedDifferently)
            return;
        _isPlacedDifferently = isPlacedDifferently;
        if (Disagreement is { } disagreement)
            _logger.LogWarning("{Disagreement}", disagreement);
        else
            _logger.LogInformation("The Broadcaster names the same Redis servers again");
    }
}
