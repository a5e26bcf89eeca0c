using System.Net;

namespace Streaming.Requests;

internal static class ClientAddress
{
    /// <summary>
    /// Converts an IPv4-mapped IPv6 address to IPv4 (RFC 4291 §2.5.5.2). A dual-stack socket reports IPv4 clients that
    /// way.
    /// </summary>
    public static IPAddress Unmapped(this IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>Returns the client's <c>address:port</c>, with IPv6 addresses in brackets.</summary>
    public static string ClientEndPoint(this HttpContext context) =>
        context.Connection is { RemoteIpAddress: { } address, RemotePort: var port }
            ? new IPEndPoint(address.Unmapped(), port).ToString()
            : "";
}
