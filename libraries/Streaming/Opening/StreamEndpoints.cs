using System.Diagnostics.CodeAnalysis;
using Streaming.Connections;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Requests;

namespace Streaming.Opening;

internal static class StreamEndpoints
{
    /// <summary>The methods of a stream: GET with a query, and POST and QUERY with the same names in a JSON
    /// object.</summary>
    public static readonly string[] Methods = ["GET", "POST", "QUERY"];

    /// <summary>Maps a stream at its methods.</summary>
    [RequiresUnreferencedCode("Only generated code of ASP.NET Core calls a handler without reflection.")]
    [RequiresDynamicCode("Only generated code of ASP.NET Core calls a handler without reflection.")]
    public static RouteHandlerBuilder MapStream(
        this IEndpointRouteBuilder app,
        [StringSyntax("Route")] string pattern,
        Delegate handler,
        int maxListValues = 0
    ) =>
#pragma warning disable RDG002 // it says so itself
        app.MapMethods(pattern, Methods, handler).OpensStream(maxListValues);
#pragma warning restore RDG002

    /// <summary>Reads the body of a request for a stream. A client that resumes while the store does not answer is
    /// asked to reconnect.</summary>
    /// <param name="maxListValues">Maximum values of all lists of the body together.</param>
    public static RouteHandlerBuilder OpensStream(this RouteHandlerBuilder endpoint, int maxListValues = 0) =>
        endpoint
            .WithMetadata(new StreamBody(maxListValues))
            .CountedAs(RequestKind.Stream)
            .AddEndpointFilter(
                async (invocation, next) =>
                {
                    var context = invocation.HttpContext;
                    LongResponse.Announce(context);
                    await context.TakeBodyAsync();
                    // Checked here, because every stream has them: before the endpoint starts any work.
                    _ = (context.Request.Query.Slow(), context.Request.Query.FromEarliest());
                    return await next(invocation);
                }
            );

    /// <summary>Returns true if a client without an id starts at the oldest event.</summary>
    public static bool FromEarliest(this IQueryCollection query) =>
        query["from"].ToString() switch
        {
            "" or "head" => false,
            "earliest" => true,
            _ => throw new InvalidRequestException("from", "must be earliest or head."),
        };

    public static SlowClientPolicy Slow(this IQueryCollection query) =>
        StalledClientRule.Parse(query["slow"])
        ?? throw new InvalidRequestException("slow", "must be catch-up, latest or disconnect.");

    /// <summary>Creates the request that the query describes: its start, and the policy for a slow client.</summary>
    public static StreamRequest Subscription(this HttpContext context, StreamFilter filter, Greeting? greeting = null)
    {
        var query = context.Request.Query;
        return new StreamRequest(
            filter,
            LastEventId.Of(context.Request),
            query.FromEarliest(),
            Slow: query.Slow(),
            Greeting: greeting
        );
    }
}
