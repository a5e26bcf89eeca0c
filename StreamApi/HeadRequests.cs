using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace StreamApi;

/// <summary>
/// Answers HEAD wherever GET is answered (RFC 9110 §9.3.2), and lists it in <c>Allow</c> (§10.2.1): Kestrel sends the
/// head of the GET's response without its body. A stream is not opened; the response has the head that an allowed
/// stream would have, and takes no place.
/// </summary>
internal static class HeadRequests
{
    /// <summary>One endpoint for each stream, kept because authorization caches a policy for every endpoint that it has
    /// seen.</summary>
    private static readonly ConditionalWeakTable<RouteEndpoint, RouteEndpoint> Heads = [];

    private sealed record Asked;

    /// <summary>Adds routing, since the method decides on the endpoint.</summary>
    public static void UseHeadRequests(this WebApplication app)
    {
        app.Use(
            (context, next) =>
            {
                if (HttpMethods.IsHead(context.Request.Method))
                {
                    context.Request.Method = HttpMethods.Get;
                    context.Features.Set(new Asked());
                }
                return next(context);
            }
        );
        app.UseRouting();
        app.Use(
            (context, next) =>
            {
                // Without a route, routing itself answers: 404, 405 or 415.
                if (context.GetEndpoint() is not RouteEndpoint endpoint)
                    return AnswerAsync(context, next);

                if (
                    context.Features.Get<Asked>() is not null
                    && endpoint.Metadata.GetMetadata<StreamMetadata>() is not null
                )
                    context.SetEndpoint(Heads.GetValue(endpoint, HeadOf));

                return next(context);
            }
        );
    }

    /// <summary>Adds HEAD to the methods of a 405 if GET is one.</summary>
    private static async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        var allowed = context.Response.Headers.GetCommaSeparatedValues("Allow");
        if (!context.Response.HasStarted && allowed.Contains(HttpMethods.Get) && !allowed.Contains(HttpMethods.Head))
            context.Response.Headers.Allow = string.Join(", ", [.. allowed, HttpMethods.Head]);
    }

    /// <summary>Keeps the stream's access rules. It counts as a plain request, not as a new stream.</summary>
    private static RouteEndpoint HeadOf(RouteEndpoint stream) =>
        new(
            context =>
            {
                context.Request.Method = HttpMethods.Head;
                return TypedResults.EventStream(AsyncEnumerable.Empty<SseItem<object?>>()).ExecuteAsync(context);
            },
            stream.RoutePattern,
            stream.Order,
            new EndpointMetadataCollection(stream.Metadata.Where(m => m is not RequestKind)),
            stream.DisplayName
        );
}
