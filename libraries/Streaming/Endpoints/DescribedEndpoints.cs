using Streaming.Endpoints;

namespace AspireSse.Server;

/// <summary>Describes what endpoints send and take, for the server, an OpenAPI document and a rate limiter.</summary>
/// <remarks>Needed by a host that counts requests by their kind, bounds streams by pools, or documents its
/// streams.</remarks>
public static class DescribedEndpoints
{
    /// <summary>Describes a stream of the log: it resumes after the client's last id.</summary>
    public static RouteHandlerBuilder Sends(
        this RouteHandlerBuilder endpoint,
        string summary,
        params StreamEvent[] events
    ) => endpoint.WithMetadata(new StreamMetadata(summary, events));

    /// <summary>Describes a stream of the log whose last id may also be the ordinal of an event.</summary>
    public static RouteHandlerBuilder SendsNumbered(
        this RouteHandlerBuilder endpoint,
        string summary,
        params StreamEvent[] events
    ) => endpoint.WithMetadata(new StreamMetadata(summary, events, TakesOrdinals: true));

    /// <summary>Describes a stream of one request: it has no ids, and a dropped connection ends it.</summary>
    public static RouteHandlerBuilder SendsOnce(
        this RouteHandlerBuilder endpoint,
        string summary,
        params StreamEvent[] events
    ) => endpoint.WithMetadata(new StreamMetadata(summary, events, Resumes: false));

    /// <summary>Limits the endpoint's open streams by a pool of its own: <c>AspireSse:Pools:{name}</c>, default
    /// 1,000.</summary>
    public static TBuilder WithStreamPool<TBuilder>(this TBuilder endpoint, string name)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new StreamPool(name));

    /// <summary>Describes a body that the endpoint reads by itself.</summary>
    public static TBuilder Body<TBuilder>(this TBuilder endpoint, Type body, string? lines = null)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new BodyDescription(body, lines));

    /// <summary>Describes the parameter <c>named</c> (<see cref="QueryValues.Flag"/>).</summary>
    public static RouteHandlerBuilder SwitchesNames(this RouteHandlerBuilder endpoint) =>
        endpoint.Query("named", "true: all events are named; false: no event is, for clients with only onmessage.");

    /// <summary>Describes the header of <see cref="IdempotencyKey"/>.</summary>
    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(
            new RequestParameter(
                IdempotencyKey.Header,
                "Idempotency key: within 24 hours a repeated request gets the first response and has no effect.",
                InHeader: true
            )
        );

    /// <summary>Describes a body in JSON.</summary>
    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint)
        where T : notnull => endpoint.Accepts<T>("application/json");

    /// <summary>Describes a parameter of the query: see <see cref="RequestParameter"/>.</summary>
    public static RouteHandlerBuilder Query(
        this RouteHandlerBuilder endpoint,
        string name,
        string description,
        bool required = false,
        bool isText = false,
        string? also = null
    ) => endpoint.WithMetadata(new RequestParameter(name, description, required, isText, also));

    /// <summary>Counts the endpoint's requests as this kind. The last kind added counts, but a request that resumes
    /// still counts as a resume.</summary>
    public static TBuilder CountedAs<TBuilder>(this TBuilder endpoint, RequestKind kind)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(kind);

    /// <summary>Counts the endpoint's requests as a kind made from the services, such as one whose maximum is an
    /// option.</summary>
    public static TBuilder CountedAs<TBuilder>(this TBuilder endpoint, Func<IServiceProvider, RequestKind> kind)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoint.Add(built => built.Metadata.Add(kind(built.ApplicationServices)));
        return endpoint;
    }
}
