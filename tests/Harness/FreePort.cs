using System.Net;
using System.Net.Sockets;

namespace Harness;

/// <summary>For programs that cannot choose one by themselves.</summary>
internal static class FreePort
{
    public static int Take()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
