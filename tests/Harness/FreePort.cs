using System.Net;
using System.Net.Sockets;

namespace Harness;

/// <summary>Finds a free port, for programs that cannot choose one themselves.</summary>
internal static class FreePort
{
    public static int Take()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
