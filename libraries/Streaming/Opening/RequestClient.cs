using System.Net;
using Streaming.Access;
using Streaming.Connections;

namespace Streaming.Opening;

/// <summary>Reads from a request what its stream keeps of the client.</summary>
internal static class RequestClient
{
    /// <param name="context">The request.</param>
    /// <param name="key">Key of the client, for turns among clients.</param>
    public static StreamClient Of(HttpContext context, string key) =>
        new(
            EndPointOf(context),
            CallerIdentity.ShownOf(context.User),
            (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? context.Request.Path,
            key
        );

    /// <summary>Returns the client's <c>address:port</c>, with IPv6 addresses in brackets.</summary>
    private static string EndPointOf(HttpContext context) =>
        context.Connection is { RemoteIpAddress: { } address, RemotePort: var port }
            ? new IPEndPoint(Unmapped(address), port).ToString()
            : "";

    /// <summary>Converts IPv4-mapped addresses (RFC 4291 §2.5.5.2), which dual-stack sockets report, to IPv4.</summary>
    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
