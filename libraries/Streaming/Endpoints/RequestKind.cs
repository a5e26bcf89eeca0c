namespace Streaming.Endpoints;

/// <summary>Kind of an endpoint's requests, by which the host's rate limiter, if any, counts them.</summary>
internal record RequestKind
{
    public static readonly RequestKind Stream = new("streams");

    /// <summary>Publishes or changes something.</summary>
    public static readonly RequestKind Publish = new("publishes");

    private protected RequestKind(string name) => Name = name;

    public string Name { get; }
}

/// <summary>Requests that a feature limits by itself, where it maps its endpoints.</summary>
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
    /// <summary>Counts the endpoint's requests as this kind; the last one counts, but a resume stays one.</summary>
    public static TBuilder CountedAs<TBuilder>(this TBuilder endpoint, RequestKind kind)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(kind);

    /// <summary>Counts the requests as a kind that the services know: its maximum is an option.</summary>
    public static TBuilder CountedAs<TBuilder>(this TBuilder endpoint, Func<IServiceProvider, RequestKind> kind)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoint.Add(built => built.Metadata.Add(kind(built.ApplicationServices)));
        return endpoint;
    }
}
