using System.Text.Json;

namespace WebFrontend.Status;

/// <summary>
/// The state of the system as of <c>At</c>. While no StreamApi replica answers (<c>Reachable</c> is false), this is the
/// last known state.
/// </summary>
internal sealed record StatusReport(
    bool Reachable,
    DateTimeOffset? At,
    IReadOnlyList<ReplicaStatus> Replicas,
    IReadOnlyList<BroadcasterStatus> Broadcasters
)
{
    /// <summary>Returns a copy with only the stats of later seconds.</summary>
    public StatusReport After(long second) =>
        this with
        {
            Replicas = [.. Replicas.Select(r => r with { Stats = [.. r.Stats.Where(s => SecondOf(s) > second)] })],
        };

    public static long SecondOf(JsonElement stats) => stats.GetProperty("at").GetInt64();
}

/// <summary>
/// One StreamApi replica: its entry in <c>GET /v1/replicas</c>, and its health and stats as of <c>SeenAt</c>. A
/// <c>Lost</c> replica has not answered for <see cref="KnownReplicas.LostAfter"/>.
/// </summary>
internal sealed record ReplicaStatus(
    string Name,
    string Url,
    int Connections,
    string Head,
    long Lag,
    string Mode,
    DateTimeOffset? SeenAt,
    Health? Health
)
{
    public bool Lost { get; init; }

    public IReadOnlyList<JsonElement> Stats { get; init; } = [];
}

/// <summary>The body of <c>/health</c>.</summary>
internal sealed record Health(string Status, IReadOnlyDictionary<string, HealthCheck> Checks);

internal sealed record HealthCheck(string Status, string? Description);

/// <summary>
/// One Broadcaster replica, as of <c>SeenAt</c>. The Broadcasters share an address, so any of them may answer.
/// </summary>
internal sealed record BroadcasterStatus(
    string Name,
    bool Leader,
    long? Fence,
    long Relayed,
    long Lag,
    DateTimeOffset SeenAt
);
