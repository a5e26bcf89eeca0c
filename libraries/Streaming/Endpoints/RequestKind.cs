namespace AspireSse.Server;

/// <summary>Kind of an endpoint's requests: metadata by which the host's rate limiter, if any, counts them.</summary>
/// <remarks>Needed only by a host whose rate limiter counts requests by kind, as StreamApi's does.</remarks>
/// <param name="Name">The name under which they are counted.</param>
/// <param name="MaxPerMinute">Requests of one client per minute, over all replicas, or null if the host
/// decides.</param>
/// <param name="Excess">Reason of a refusal; it continues "You have".</param>
/// <param name="IsFixed">True if requests beyond the maximum are refused even while nobody else waits.</param>
public sealed record RequestKind(
    string Name,
    int? MaxPerMinute = null,
    string Excess = "sent too many of these requests in the last minute",
    bool IsFixed = false
)
{
    /// <summary>This rate and higher ones mean unlimited.</summary>
    public const int Unlimited = 1_000_000;

    /// <summary>Opens a stream.</summary>
    public static RequestKind Stream { get; } = new("streams");

    /// <summary>Publishes or changes something.</summary>
    public static RequestKind Publish { get; } = new("publishes");
}
