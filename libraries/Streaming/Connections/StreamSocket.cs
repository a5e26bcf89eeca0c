using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Streaming.Connections;

/// <summary>Settings of a stream's socket that .NET has no names for. Linux only (tcp(7)).</summary>
internal static class StreamSocket
{
    private const int IpProtoTcp = 6,
        TcpUserTimeout = 18,
        TcpNotSentLowAt = 25;

    /// <summary>
    /// Limits the bytes that the kernel buffers for a stream beyond those in flight; otherwise a client that does not
    /// read could cost megabytes. Bytes in flight stay the kernel's decision, so a distant client is as fast as before.
    /// </summary>
    /// <param name="socket">The socket; null: nothing happens.</param>
    /// <param name="kilobytes">The limit; 0: the kernel's default.</param>
    public static void LimitUnsent(Socket? socket, int kilobytes)
    {
        if (kilobytes > 0)
            Set(socket, TcpNotSentLowAt, kilobytes * 1_024);
    }

    /// <summary>
    /// Breaks a connection whose peer acknowledges nothing for this time. A heartbeat into the kernel's buffer succeeds
    /// for a client that has lost its network, until Linux gives up after a quarter of an hour.
    /// </summary>
    public static void GiveUpAfter(Socket? socket, TimeSpan time) =>
        Set(socket, TcpUserTimeout, (int)time.TotalMilliseconds);

    private static void Set(Socket? socket, int option, int value)
    {
        if (socket is null || !OperatingSystem.IsLinux())
            return;

        try
        {
            socket.SetRawSocketOption(IpProtoTcp, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
        }
        // The peer is gone; the output will notice.
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }
}
