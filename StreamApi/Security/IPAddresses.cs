using System.Net;

namespace StreamApi.Security;

internal static class IPAddresses
{
    /// <summary>Converts IPv4-mapped addresses (RFC 4291 §2.5.5.2), which dual-stack sockets report, to IPv4.</summary>
    public static IPAddress Unmapped(this IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
