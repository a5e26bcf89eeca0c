using System.Text.Json.Serialization;

namespace StreamApi.Replicas;

/// <summary>
/// One replica. <c>lag</c> is in positions, <c>mode</c> is <c>live</c> or <c>degraded</c>; <c>seenAt</c> is present
/// only for a lost replica.
/// </summary>
internal sealed record Replica(
    string Name,
    string Url,
    int Connections,
    string Head,
    long Lag,
    string Mode,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? SeenAt = null
);
