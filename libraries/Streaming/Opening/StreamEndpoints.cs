using System.Diagnostics.CodeAnalysis;
using Streaming.Endpoints;
using Streaming.Opening;

namespace AspireSse.Server;

/// <summary>Maps streams: GET with a query, and POST and QUERY with the same names in a JSON object.</summary>
/// <remarks>Needed by a host whose streams also take their query as a JSON body.</remarks>
public static class StreamEndpoints
{
    internal static readonly string[] StreamMethods = ["GET", "POST", "QUERY"];

    /// <summary>Maps a stream at GET with a query, and at POST and QUERY with the same names in a JSON
    /// object.</summary>
    /// <param name="app">The routes.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="handler">Returns the stream.</param>
    /// <param name="maxListValues">Maximum values of all lists of the body together.</param>
    [RequiresUnreferencedCode("Only generated code of ASP.NET Core calls a handler without reflection.")]
    [RequiresDynamicCode("Only generated code of ASP.NET Core calls a handler without reflection.")]
    public static RouteHandlerBuilder MapStream(
        this IEndpointRouteBuilder app,
        [StringSyntax("Route")] string pattern,
        Delegate handler,
        int maxListValues = 0
    ) =>
#pragma warning disable RDG002 // this method's attributes say so
        app.MapMethods(pattern, StreamMethods, handler).OpensStream(maxListValues);
#pragma warning restore RDG002

    /// <summary>Reads the body of a request for a stream, and checks the parameters that every stream has.</summary>
    /// <param name="maxListValues">Maximum values of all lists of the body together.</param>
    internal static RouteHandlerBuilder OpensStream(this RouteHandlerBuilder endpoint, int maxListValues = 0) =>
        endpoint
            .WithMetadata(new StreamBody(maxListValues))
            .CountedAs(RequestKind.Stream)
            .AddEndpointFilter(
                async (invocation, next) =>
                {
                    var context = invocation.HttpContext;
                    LongResponse.Announce(context);
                    await context.TakeBodyAsync();
                    // Every stream has these parameters. They are checked before the endpoint starts any work.
                    _ = (context.Request.Query.Slow(), context.Request.Query.FromEarliest());
                    return await next(invocation);
                }
            );

    /// <summary>Answers errors of these endpoints, in a host without
    /// <see cref="EventStreamApplicationExtensions.UseRequestErrors"/>: an
    /// <see cref="InvalidRequestException"/>, a request that would cost too much, and an outage of the log.</summary>
    public static TBuilder RefusesErrors<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder =>
        endpoints.AddEndpointFilter(
            async (invocation, next) =>
            {
                object? answer = Results.Empty;
                await invocation.HttpContext.RefuseErrorsAsync(async _ => answer = await next(invocation));
                return answer;
            }
        );
}
