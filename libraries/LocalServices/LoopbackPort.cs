using System.Net;
using System.Net.Sockets;

namespace LocalServices;

internal static class LoopbackPort
{
    // After `kill -9` of a stack its servers take some seconds to go.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>The port itself where it is free or becomes so in a moment, any free one for 0.</summary>
    public static int Take(int port, string server, string option)
    {
        for (var waited = TimeSpan.Zero; waited < Timeout; waited += TimeSpan.FromMilliseconds(100))
        {
            if (Bind(port) is { } taken)
            {
                return taken;
            }

            Thread.Sleep(TimeSpan.FromMilliseconds(100));
        }

        throw new LocalServicesException(
            $"Port {port}, meant for {server}, is taken by another program. "
                + $"Stop that, or start with --LocalServices:{option}=0 (any free port), or a second, empty stack on free ports: {LocalServicesOptions.SecondStack}"
        );
    }

    private static int? Bind(int port)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        // As the servers do: connections of an earlier run that are still closing do not make a port busy.
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
