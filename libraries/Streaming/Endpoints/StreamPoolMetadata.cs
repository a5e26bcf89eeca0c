namespace Streaming.Endpoints;

/// <summary>Marks an endpoint whose streams also take a place in the named pool.</summary>
internal sealed record StreamPoolMetadata(string Name);

internal static class StreamPoolExtensions
{
    /// <summary>Limits the endpoint's open streams by a pool of its own: <c>Pools:{name}</c>, default 1,000.</summary>
    public static TBuilder WithStreamPool<TBuilder>(this TBuilder endpoint, string name)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new StreamPoolMetadata(name));
}
