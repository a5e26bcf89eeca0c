namespace WebFrontend.Status;

/// <summary>What the overview shows beside the streams themselves. <c>Reachable</c> is false where no StreamApi replica answers.</summary>
internal sealed record StatusReport(bool Reachable, IReadOnlyList<ReplicaStatus> Replicas, IReadOnlyList<BroadcasterStatus> Broadcasters);

/// <summary>One StreamApi replica, as <c>GET /v1/replicas</c> lists it, with its own <c>/health</c>; null where that does not answer.</summary>
internal sealed record ReplicaStatus(string Name, string Url, int Connections, string Head, long Lag, string Mode, Health? Health);

/// <summary>What <c>/health</c> says.</summary>
internal sealed record Health(string Status, IReadOnlyDictionary<string, HealthOfPart> Checks);

internal sealed record HealthOfPart(string Status, string? Description);

/// <summary>One Broadcaster replica, as its <c>/status</c> says.</summary>
internal sealed record BroadcasterStatus(string Name, bool Leader, long? Fence, long Relayed, long Lag);
