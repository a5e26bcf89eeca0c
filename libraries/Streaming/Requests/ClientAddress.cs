using System.Net;

namespace Streaming.Requests;

internal static class ClientAddress
{
    /// <summary>Converts IPv4-mapped addresses (RFC 4291 §2.5.5.2), which dual-stack sockets report, to IPv4.</summary>
    public static IPAddress Unmapped(this IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>Returns the client's <c>address:port</c>, with IPv6 addresses in brackets.</summary>
    public static string ClientEndPoint(this HttpContext context) =>
        context.Connection is { RemoteIpAddress: { } address, RemotePort: var port }
            ? new IPEndPoint(address.Unmapped(), port).ToString()
            : "";
}
