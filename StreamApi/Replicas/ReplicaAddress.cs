using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Npgsql;
using StreamApi.Security;

namespace StreamApi.Replicas;

/// <summary>Finds the address at which other replicas reach this one.</summary>
internal static class ReplicaAddress
{
    private static IPAddress? _routeToStore;

    /// <summary>
    /// The configured address, or else the address that the server listens on, preferring HTTP. Empty while it does not
    /// listen.
    /// </summary>
    public static string Of(ReplicaOptions options, IServer server, NpgsqlDataSource store)
    {
        if (options.Url is { Length: > 0 } configured)
            return configured.TrimEnd('/');

        var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        if (
            addresses.OrderBy(a => a.StartsWith("https", StringComparison.Ordinal)).FirstOrDefault() is not { } listened
        )
            return "";

        var address = BindingAddress.Parse(listened);
        // A wildcard address is useless to others: on another machine it means that machine.
        var everywhere =
            address.Host is "*" or "+"
            || (
                IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip)
                && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any))
            );

        return everywhere
            ? new UriBuilder(
                address.Scheme,
                ((_routeToStore ??= AddressOnRouteTo(store)) ?? IPAddress.Loopback).ToString(),
                address.Port
            )
                .ToString()
                .TrimEnd('/')
            : listened.TrimEnd('/');
    }

    /// <summary>
    /// Address of this machine on the route to Postgres, which all replicas share, or null if unknown now. Sends
    /// nothing: connecting a datagram socket only chooses a route.
    /// </summary>
    private static IPAddress? AddressOnRouteTo(NpgsqlDataSource store)
    {
        var settings = new NpgsqlConnectionStringBuilder(store.ConnectionString);
        var host = settings.Host?.Split(',')[0];
        if (host is not { Length: > 0 } || host[0] is '/' or '@')
            return IPAddress.Loopback; // a Unix socket

        if (host.Count(c => c == ':') == 1)
            host = host[..host.IndexOf(':', StringComparison.Ordinal)]; // host:port

        try
        {
            using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(host, settings.Port);
            return ((IPEndPoint)socket.LocalEndPoint!).Address.Unmapped();
        }
        catch (SocketException)
        {
            return null;
        } // the name cannot be resolved now
    }
}
