using System.Net;
using System.Net.Sockets;

namespace LocalServices;

/// <summary>The port of a store that runs as a program here: the configured one, or a free one. Ports that the AppHost
/// itself names are those of <see cref="FixedPorts"/>.</summary>
internal static class LoopbackPort
{
    // Below the ports that systems give to clients (Linux: from 32768), or a connection could have the port by the
    // time the server listens on it.
    private const int First = 22_000,
        Count = 1_500;

    private static readonly int Offset = Random.Shared.Next(Count);
    private static int _taken;

    // The servers of a killed stack take some seconds to end.
    private static readonly TimeSpan FreeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Returns the port if it is free or becomes free within some seconds. For 0, returns a free port, another
    /// one at each call.</summary>
    public static int Take(int port, string server, string option)
    {
        for (var tried = 0; port == 0 && tried < Count; tried++)
            if (Bind(First + (Offset + Interlocked.Increment(ref _taken)) % Count) is { } free)
                return free;

        return BecomesFree(port)
            ? port
            : throw new LocalServicesException(
                $"Port {port} for {server} is in use by another program. Stop that program, use any free port "
                    + $"(--LocalServices:{option}=0), or start a second, empty stack on free ports: "
                    + LocalServicesOptions.SecondStack
            );
    }

    /// <summary>Returns true if the port is free, or becomes free within some seconds.</summary>
    public static bool BecomesFree(int port)
    {
        for (var waited = TimeSpan.Zero; waited < FreeTimeout; waited += TimeSpan.FromMilliseconds(100))
        {
            if (Bind(port) is not null)
                return true;

            Thread.Sleep(TimeSpan.FromMilliseconds(100));
        }

        return false;
    }

    private static int? Bind(int port)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        // As the servers do, so that closing connections of an earlier run do not block the port.
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);

        try
        {
            listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
            listener.Listen();
            return ((IPEndPoint)listener.LocalEndPoint!).Port;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
