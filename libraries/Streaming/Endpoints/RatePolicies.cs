namespace Streaming.Endpoints;

/// <summary>Names of the rate-limiting policies that endpoints ask for. The host defines the policies.</summary>
internal static class RatePolicies
{
    public const string Streams = "streams",
        Publishes = "publishes",
        Generations = "generations";

    /// <summary>Opens a stream.</summary>
    public static TBuilder LimitedAsStream<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Streams);

    /// <summary>Publishes or changes something.</summary>
    public static TBuilder LimitedAsPublish<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Publishes);

    /// <summary>Makes a model work.</summary>
    public static TBuilder LimitedAsGeneration<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Generations);
}
