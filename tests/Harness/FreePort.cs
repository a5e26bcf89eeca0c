using System.Net;
using System.Net.Sockets;

namespace Harness;

/// <summary>Finds a free port, for programs that cannot choose one themselves.</summary>
internal static class FreePort
{
    // Below the ports that systems give to clients (Linux: from 32768): no connection of another test takes the port
    // before the program listens on it.
    private const int First = 10_000,
        Count = 5_000;

    private static readonly int Offset = Random.Shared.Next(Count);
    private static int _taken;

    /// <summary>Returns each port once, so that two tests of a process never get the same one.</summary>
    public static int Take()
    {
        while (true)
        {
            var port = First + (Offset + Interlocked.Increment(ref _taken)) % Count;
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException)
            { /* another program listens there */
            }
        }
    }
}
