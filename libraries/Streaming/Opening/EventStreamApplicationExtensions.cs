using Streaming.Endpoints;
using Streaming.Opening;
using Streaming.Requests;

namespace AspireSse.Server;

/// <summary>Middleware for a host whose endpoints describe themselves (<see cref="DescribedEndpoints"/>).</summary>
/// <remarks>Needed by a host that answers errors and unknown names for all of its endpoints, as StreamApi
/// does.</remarks>
public static class EventStreamApplicationExtensions
{
    /// <summary>Answers the errors of all later middleware and endpoints, as
    /// <see cref="StreamEndpoints.RefusesErrors"/> does.</summary>
    public static IApplicationBuilder UseRequestErrors(this IApplicationBuilder app) =>
        app.Use((context, next) => context.RefuseErrorsAsync(next));

    /// <summary>Receives the rest of a refused request's body, up to 4 MB within two seconds, for clients that send all
    /// before they read: a reset connection would cost them the refusal (RFC 9112 §9.6). Call it first.</summary>
    public static IApplicationBuilder UseLingeringBodies(this IApplicationBuilder app) => LingeringRead.Use(app);

    /// <summary>Reads the JSON bodies of streams (<see cref="StreamEndpoints.MapStream"/>) into their queries, where
    /// a later rate limiter finds the last event id. Call it after authentication; without it, the endpoints read the
    /// bodies.</summary>
    public static IApplicationBuilder UseStreamBodies(this IApplicationBuilder app) =>
        app.Use(StreamBodies.TakeThenAsync);

    /// <summary>Refuses names in a query that the endpoint does not describe (<see cref="RequestParameter"/>): such a
    /// name may be a misspelt filter, without which the client would get more than it asked for. Endpoints that are no
    /// streams and describe no parameter take any name.</summary>
    public static IApplicationBuilder UseKnownQueryNames(this IApplicationBuilder app) =>
        app.Use(
            (context, next) =>
            {
                if (context.Request.Query.Count > 0 && context.GetEndpoint() is { } endpoint)
                    KnownNames.Check(endpoint.Metadata, context.Request.Query.Keys);
                return next(context);
            }
        );
}
