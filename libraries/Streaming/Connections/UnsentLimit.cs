using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Streaming.Connections;

/// <summary>
/// How much the kernel holds of a stream that its reader does not take yet, beyond what is on its way: it would grow to
/// megabytes a socket, and a reader that never
/// reads would cost all of that, in memory and in copying. What is on its way stays the kernel's to judge, so a distant
/// reader is served as fast as before. Linux only.
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
        // gone, which its writer will see
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { }
    }
}
