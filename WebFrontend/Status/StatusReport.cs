using System.Text.Json;

namespace WebFrontend.Status;

/// <summary>What the overview shows beside the streams themselves, as it was <c>At</c> that time: where no StreamApi
/// replica answers (<c>Reachable</c> is false), the last that was known.</summary>
internal sealed record StatusReport(
    bool Reachable,
    DateTimeOffset? At,
    IReadOnlyList<ReplicaStatus> Replicas,
    IReadOnlyList<BroadcasterStatus> Broadcasters
)
{
    /// <summary>The same with only those figures that are of later seconds.</summary>
    public StatusReport After(long second) =>
        this with
        {
            Replicas = [.. Replicas.Select(r => r with { Figures = [.. r.Figures.Where(f => SecondOf(f) > second)] })],
        };

    public static long SecondOf(JsonElement figure) => figure.GetProperty("at").GetInt64();
}

/// <summary>
/// One StreamApi replica, as <c>GET /v1/replicas</c> lists it, with its own <c>/health</c> and
/// <c>/v1/replicas/figures</c> when it answered last, at
/// <c>SeenAt</c>. One that is <c>Lost</c> has not answered for some seconds.
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

    public IReadOnlyList<JsonElement> Figures { get; init; } = [];
}

/// <summary>What <c>/health</c> says.</summary>
internal sealed record Health(string Status, IReadOnlyDictionary<string, HealthOfPart> Checks);

internal sealed record HealthOfPart(string Status, string? Description);

/// <summary>One Broadcaster replica, as its <c>/status</c> said at <c>SeenAt</c>: which of them answers is up to the
/// address they share.</summary>
internal sealed record BroadcasterStatus(
    string Name,
    bool Leader,
    long? Fence,
    long Relayed,
    long Lag,
    DateTimeOffset SeenAt
);
