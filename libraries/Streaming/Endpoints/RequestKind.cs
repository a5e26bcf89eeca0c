namespace Streaming.Endpoints;

/// <summary>
/// The kind of request that an endpoint answers, by which the host's rate limiter counts it. Without such a limiter it
/// has no effect.
/// </summary>
internal record RequestKind
{
    /// <summary>Opens a stream.</summary>
    public static readonly RequestKind Stream = new("streams");

    /// <summary>Publishes or changes something.</summary>
    public static readonly RequestKind Publish = new("publishes");

    private protected RequestKind(string name) => Name = name;

    /// <summary>Name under which the requests of a client are counted.</summary>
    public string Name { get; }
}

/// <summary>Requests that a feature limits by itself, where it maps its endpoints.</summary>
/// <param name="Name">See <see cref="RequestKind.Name"/>.</param>
/// <param name="MaxPerMinute">Maximum requests of one client per minute, over all replicas.</param>
/// <param name="Excess">Reason of a refusal; it continues "You have".</param>
/// <param name="IsFixed">True if requests beyond the maximum are refused even while nobody else waits.</param>
internal sealed record FeatureRequests(string Name, int MaxPerMinute, string Excess, bool IsFixed = false)
    : RequestKind(Name)
{
    /// <summary>This rate and higher ones mean unlimited.</summary>
    public const int Unlimited = 1_000_000;
}

internal static class RequestKindExtensions
{
    /// <summary>
    /// Counts the endpoint's requests as this kind. The last kind of an endpoint counts, but a resume of a stream
    /// always counts as a resume.
    /// </summary>
    public static TBuilder CountedAs<TBuilder>(this TBuilder endpoint, RequestKind kind)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(kind);

    /// <summary>Counts the endpoint's requests as a kind that the services know: its maximum is an option.</summary>
    public static TBuilder CountedAs<TBuilder>(this TBuilder endpoint, Func<IServiceProvider, RequestKind> kind)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoint.Add(built => built.Metadata.Add(kind(built.ApplicationServices)));
        return endpoint;
    }
}
