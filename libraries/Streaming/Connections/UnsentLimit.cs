using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Streaming.Connections;

/// <summary>
/// Limits the bytes that the kernel buffers for a stream beyond those in flight; otherwise a client that does not read
/// could cost megabytes. Bytes in flight stay the kernel's decision, so a distant client is as fast as before. Linux
/// only.
/// </summary>
internal static class UnsentLimit
{
    private const int IpProtoTcp = 6,
        TcpNotSentLowAt = 25; // linux/tcp.h; tcp(7)

    public static void Set(Socket? socket, int kilobytes)
    {
        if (socket is null || kilobytes == 0 || !OperatingSystem.IsLinux())
            return;
        var bytes = kilobytes * 1_024;
        try
        {
            socket.SetRawSocketOption(
                IpProtoTcp,
                TcpNotSentLowAt,
                MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in bytes))
            );
        }
        // The peer is gone; the output will notice.
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }
}
