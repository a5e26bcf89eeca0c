using System.Net;

namespace Streaming.Requests;

internal static class ClientAddress
{
    /// <summary>An IPv4 address as such: who listens on every address is told of it within IPv6 (RFC 4291
    /// §2.5.5.2).</summary>
    public static IPAddress Unmapped(this IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>Where a request comes from, <c>address:port</c>; of IPv6 in brackets.</summary>
    public static string ClientEndPoint(this HttpContext context) =>
        context.Connection is { RemoteIpAddress: { } address, RemotePort: var port }
            ? new IPEndPoint(address.Unmapped(), port).ToString()
            : "";
}
