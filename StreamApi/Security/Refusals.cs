using System.Net;
using Microsoft.AspNetCore.Connections.Features;
using Streaming.Endpoints;

namespace StreamApi.Security;

/// <summary>
/// Refuses a request before it reaches its endpoint, in the endpoint's format: problem details, or a vendor's error
/// where vendor clients call.
/// </summary>
internal static class Refusals
{
    public static Task WriteAsync(
        HttpContext context,
        int status,
        string title,
        string detail,
        TimeSpan? retryAfter = null
    ) => context.RefuseAsync(status, title, detail, retryAfter);

    /// <summary>
    /// Delay for a client that ignores Retry-After: about one second on each of its connections. The delay is random,
    /// so that a thousand waiting clients do not return at once.
    /// </summary>
    public static TimeSpan RandomDelay => TimeSpan.FromSeconds(0.5 + Random.Shared.NextDouble());

    /// <summary>Waits, then closes the connection with the response.</summary>
    public static async Task DelayAsync(HttpContext context, TimeSpan delay)
    {
        await Task.Delay(delay, context.RequestServices.GetRequiredService<TimeProvider>(), context.RequestAborted)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Every garbage collection would visit thousands of open connections. HTTP/2 has no such header (RFC 9113
        // §8.2.2).
        if (HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
    }

    /// <summary>
    /// Ends the client's connection without a response; on a proxy's connection, which may carry other clients, only
    /// the request.
    /// </summary>
    public static void EndConnection(HttpContext context)
    {
        var peer = context.Features.Get<IConnectionEndPointFeature>()?.RemoteEndPoint as IPEndPoint;
        if (peer is not null && peer.Address.Equals(context.Connection.RemoteIpAddress))
            context.Features.Get<IConnectionLifetimeFeature>()?.Abort();
        else
            context.Abort();
    }
}
