using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OutputCaching;

namespace Streaming.Endpoints;

internal sealed record StreamEvent(string Name, Type Data)
{
    public static implicit operator StreamEvent((string Name, Type Data) described) =>
        new(described.Name, described.Data);
}

/// <summary>Marks endpoints for programs: a refusal is a status, not a page for people or a redirect to one, which
/// <c>EventSource</c> would follow.</summary>
/// <remarks>No output cache stores their answers, which are a caller's own, and change.</remarks>
internal record ForPrograms : IDisableCookieRedirectMetadata, ISkipStatusCodePagesMetadata, IOutputCachePolicy
{
    ValueTask IOutputCachePolicy.CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        context.EnableOutputCaching = false;
        context.AllowCacheStorage = false;
        return default;
    }

    ValueTask IOutputCachePolicy.ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation) =>
        default;

    ValueTask IOutputCachePolicy.ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation) =>
        default;
}

/// <summary>Marks an endpoint that streams. It has no HTTP metrics, because a stream's length is no latency, and no
/// output cache, which would let its second reader wait for the first to leave.</summary>
/// <param name="Summary">For the OpenAPI document, as the events.</param>
/// <param name="Resumes">False for a stream of one request: it has no ids, and a dropped connection ends it.</param>
/// <param name="TakesOrdinals">True if a last id may also be the ordinal of an event.</param>
internal sealed record StreamMetadata(
    string Summary,
    IReadOnlyList<StreamEvent> Events,
    bool Resumes = true,
    bool TakesOrdinals = false
) : ForPrograms, IDisableHttpMetricsMetadata
{
    /// <summary>The mark of a result that streams events.</summary>
    public static readonly StreamMetadata OfResult = new("Streams events.", Events: []);

    /// <summary>Declares what the server and the OpenAPI document should know of an endpoint with such a
    /// result.</summary>
    public static void Declare(EndpointBuilder endpoint)
    {
        endpoint.Metadata.Add(new ProducesResponseTypeMetadata(200, typeof(string), ["text/event-stream"]));
        endpoint.Metadata.Add(OfResult);
        endpoint.Metadata.Add(RequestKind.Stream);
    }
}

/// <summary>Marks an endpoint whose streams also take a seat in the named pool.</summary>
internal sealed record StreamPool(string Name);

/// <param name="IsText">True if a JSON body must give it as text; otherwise a number, true or false will do.</param>
/// <param name="Also">Another name, in the plural or the singular, of a parameter with any number of values.</param>
internal sealed record QueryParameter(
    string Name,
    string Description,
    bool Required,
    bool IsText = false,
    string? Also = null
);

internal sealed record IdempotencyKeyDescription;

/// <param name="Lines">Description of a line, if NDJSON is accepted as well.</param>
internal sealed record BodyDescription(Type Body, string? Lines = null);

internal static class EndpointExtensions
{
    /// <summary>Marks endpoints for programs, whose answers nobody stores.</summary>
    public static RouteGroupBuilder IsForPrograms(this RouteGroupBuilder endpoints)
    {
        // Last, since the last policy of the output cache decides.
        ((IEndpointConventionBuilder)endpoints).Finally(endpoint => endpoint.Metadata.Add(new ForPrograms()));
        return endpoints.AddEndpointFilter(
            (invocation, next) =>
            {
                invocation.HttpContext.Response.Headers.CacheControl = "no-store";
                return next(invocation);
            }
        );
    }

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

    public static TBuilder Body<TBuilder>(this TBuilder endpoint, Type body, string? lines = null)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new BodyDescription(body, lines));

    public static RouteHandlerBuilder SwitchesNames(this RouteHandlerBuilder endpoint) =>
        endpoint.Query("named", "true: all events are named; false: no event is, for clients with only onmessage.");

    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new IdempotencyKeyDescription());

    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint)
        where T : notnull => endpoint.Accepts<T>("application/json");

    public static RouteHandlerBuilder Query(
        this RouteHandlerBuilder endpoint,
        string name,
        string description,
        bool required = false,
        bool isText = false,
        string? also = null
    ) => endpoint.WithMetadata(new QueryParameter(name, description, required, isText, also));
}
