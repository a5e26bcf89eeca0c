namespace Streaming.Endpoints;

/// <summary>The endpoint's streams take a place of the named pool too.</summary>
internal sealed record StreamPoolMetadata(string Name);

internal static class StreamPoolExtensions
{
    /// <summary>Limits the endpoint's open streams by a pool of their own: <c>Pools:{name}</c>, 1,000 by
    /// default.</summary>
    public static TBuilder WithStreamPool<TBuilder>(this TBuilder endpoint, string name)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new StreamPoolMetadata(name));
}
