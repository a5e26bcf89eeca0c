namespace AspireSse;

/// <summary>An open stream. Its members are the JSON of StreamApi's <c>/v1/connections</c>.</summary>
/// <remarks>Needed to show the streams that <see cref="IConnectionList.ReadAsync"/> lists.</remarks>
public sealed record SseConnection
{
    /// <summary>Names the stream, as its greeting (<c>connected</c>) does.</summary>
    public required string Id { get; init; }

    /// <summary>The name of the process that serves it.</summary>
    public required string Replica { get; init; }

    /// <summary>The address of its client.</summary>
    public required string Client { get; init; }

    /// <summary>The name of its user, or null if the client is anonymous.</summary>
    public string? User { get; init; }

    /// <summary>Its topics and patterns.</summary>
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>The time of its start.</summary>
    public DateTimeOffset ConnectedAt { get; init; }

    /// <summary>Events that were written to it.</summary>
    public long Delivered { get; init; }

    /// <summary>Bytes that were written to it.</summary>
    public long Bytes { get; init; }

    /// <summary>Delivery times of its events.</summary>
    public required SseLatency LatencyMs { get; init; }

    /// <summary>Positions of the log between the newest event and its last write; 0 if it has caught up.</summary>
    public long Lag { get; init; }

    /// <summary>The round trip of the last network hop in milliseconds (Linux), or null if it is unknown.</summary>
    public double? RttMs { get; init; }

    /// <summary><c>live</c>, <c>catching-up</c> (it reads from the log) or <c>slow</c> (its client does not
    /// read).</summary>
    public required string State { get; init; }
}

/// <summary>Delivery times in milliseconds, from the commit of an event to the socket, or null before the first
/// delivery.</summary>
/// <remarks>Needed to show the delivery times of <see cref="SseConnection"/> or <see cref="SseStats"/>.</remarks>
/// <param name="P50">The median.</param>
/// <param name="P95">The 95th percentile.</param>
/// <param name="P99">The 99th percentile.</param>
public sealed record SseLatency(double? P50, double? P95, double? P99);
