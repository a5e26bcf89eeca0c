using System.Net;
using Microsoft.AspNetCore.Connections.Features;

namespace StreamApi.Security;

/// <summary>
/// Refuses a request before it reaches its endpoint, in the endpoint's format: problem details, or a vendor's error
/// where vendor clients call.
/// </summary>
internal static class RequestRefusal
{
    public static Task WriteAsync(
        HttpContext context,
        int status,
        string title,
        string detail,
        TimeSpan? retryAfter = null
    ) => context.RefuseAsync(status, title, detail, retryAfter);

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
