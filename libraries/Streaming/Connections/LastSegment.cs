using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Streaming.Connections;

/// <summary>
/// Ends a connection together with the last bytes of its stream. A client that saw the end of the stream first would
/// keep the connection, and lose the next request that it sends there.
/// </summary>
internal static class LastSegment
{
    private const int IpProtoTcp = 6,
        TcpCork = 3; // linux/tcp.h; tcp(7)

    /// <summary>Makes the kernel keep an incomplete segment until the connection ends, for at most 200 ms. Linux
    /// only.</summary>
    public static void Hold(Socket? socket)
    {
        if (socket is null || !OperatingSystem.IsLinux())
            return;
        var on = 1;
        try
        {
            socket.SetRawSocketOption(IpProtoTcp, TcpCork, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in on)));
        }
        // The peer is gone; the output will notice.
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }

    /// <summary>Sends what is kept, with the end of the connection. The client's end is read as before.</summary>
    public static void End(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        // The peer is gone.
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }
}
