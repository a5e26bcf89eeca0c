namespace Streaming.Endpoints;

/// <summary>Names of the rate-limiting policies. The host defines them.</summary>
internal static class RatePolicies
{
    public const string Streams = "streams",
        Publishes = "publishes";

    /// <summary>Applies the limit for opening streams.</summary>
    public static TBuilder LimitedAsStream<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Streams);

    /// <summary>Applies the limit for publishing or changing something.</summary>
    public static TBuilder LimitedAsPublish<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Publishes);
}
