using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Npgsql;
using Streaming.Requests;

namespace StreamApi.Replicas;

/// <summary>Where this replica is reached, for others to ask it.</summary>
internal static class ReplicaAddress
{
    private static IPAddress? _onTheWayToTheStore;

    /// <summary>As configured, else as it listens; HTTP where it has both. Empty while it does not listen.</summary>
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
        // "Every address" is none that another could ask: on his machine he would ask himself.
        var everywhere =
            address.Host is "*" or "+"
            || (
                IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip)
                && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any))
            );
        return everywhere
            ? new UriBuilder(
                address.Scheme,
                ((_onTheWayToTheStore ??= OnTheWayTo(store)) ?? IPAddress.Loopback).ToString(),
                address.Port
            )
                .ToString()
                .TrimEnd('/')
            : listened.TrimEnd('/');
    }

    /// <summary>This machine's address on the route to the store, which all replicas share; null where it cannot be
    /// known now. Nothing is sent: a datagram socket connects by choosing a route.</summary>
    private static IPAddress? OnTheWayTo(NpgsqlDataSource store)
    {
        var settings = new NpgsqlConnectionStringBuilder(store.ConnectionString);
        var host = settings.Host?.Split(',')[0];
        if (host is not { Length: > 0 } || host[0] is '/' or '@')
            return IPAddress.Loopback; // a Unix socket
        if (host.Count(c => c == ':') == 1)
            host = host[..host.IndexOf(':', StringComparison.Ordinal)]; // with a port of its own
        try
        {
            using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(host, settings.Port);
            return ((IPEndPoint)socket.LocalEndPoint!).Address.Unmapped();
        }
        catch (SocketException)
        {
            return null;
        } // its name is not known now
    }
}
