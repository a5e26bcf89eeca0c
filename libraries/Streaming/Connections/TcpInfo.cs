using System.Buffers.Binary;
using System.Net.Sockets;

namespace Streaming.Connections;

/// <summary>
/// Reads the round-trip time that the kernel measures: that of the last hop, such as a proxy. Linux only.
/// </summary>
internal static class TcpInfo
{
    private const int IpProtoTcp = 6,
        TcpInfoOption = 11,
        RttOffset = 68; // tcpi_rtt of struct tcp_info, linux/tcp.h; microseconds

    /// <summary>Returns the smoothed round-trip time in milliseconds, or null if it is not available.</summary>
    public static double? RoundTrip(Socket? socket)
    {
        if (socket is null || !OperatingSystem.IsLinux())
            return null;
        Span<byte> info = stackalloc byte[104];
        try
        {
            if (socket.GetRawSocketOption(IpProtoTcp, TcpInfoOption, info) < RttOffset + 4)
                return null;
            return BinaryPrimitives.ReadUInt32LittleEndian(info[RttOffset..]) / 1000.0;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }
}
