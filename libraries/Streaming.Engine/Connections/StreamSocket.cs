using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Streaming.Sockets;

namespace Streaming.Connections;

/// <summary>Socket options that .NET has no names for. Linux only (tcp(7), linux/tcp.h): elsewhere, without a socket,
/// and if the peer is gone, nothing happens.</summary>
internal static class StreamSocket
{
    private const int IpProtoTcp = 6,
        TcpCork = 3,
        TcpInfo = 11,
        TcpNotSentLowAt = 25,
        InfoBytes = 104,
        RttOffset = 68; // tcpi_rtt of struct tcp_info; microseconds

    /// <summary>Limits what the kernel buffers beyond the bytes in flight: a client that does not read could cost
    /// megabytes. Bytes in flight stay the kernel's decision, so a distant client is as fast as before.</summary>
    public static void LimitUnsent(Socket? socket, int kilobytes)
    {
        if (kilobytes > 0)
            Set(socket, TcpNotSentLowAt, kilobytes * 1_024);
    }

    /// <summary>Holds an incomplete segment back until <see cref="End"/>, for at most 200 ms. If the end of the stream
    /// arrived before that of the connection, a client would reuse the connection, and lose the request.</summary>
    public static void HoldLastSegment(Socket? socket) => Set(socket, TcpCork, 1);

    /// <inheritdoc cref="HoldLastSegment(Socket?)"/>
    public static void HoldLastSegment(NativeSocket socket) => socket.SetTcpOption(TcpCork, 1);

    /// <summary>Sends the segment held back, with the end of the connection. The client's own end is still
    /// read.</summary>
    public static void End(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (IsGone(e)) { }
    }

    /// <summary>Returns the kernel's smoothed round-trip time to the last hop in ms, or null if it is not
    /// available.</summary>
    public static double? RoundTrip(Socket? socket)
    {
        if (socket is null || !OperatingSystem.IsLinux())
            return null;

        Span<byte> info = stackalloc byte[InfoBytes];
        try
        {
            return RoundTripIn(info[..socket.GetRawSocketOption(IpProtoTcp, TcpInfo, info)]);
        }
        catch (Exception e) when (IsGone(e))
        {
            return null;
        }
    }

    /// <inheritdoc cref="RoundTrip(Socket?)"/>
    public static double? RoundTrip(NativeSocket socket)
    {
        Span<byte> info = stackalloc byte[InfoBytes];
        try
        {
            return RoundTripIn(info[..Math.Max(0, socket.ReadTcpOption(TcpInfo, info))]);
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    private static double? RoundTripIn(ReadOnlySpan<byte> info) =>
        info.Length < RttOffset + 4 ? null : BinaryPrimitives.ReadUInt32LittleEndian(info[RttOffset..]) / 1000.0;

    private static void Set(Socket? socket, int option, int value)
    {
        if (socket is null || !OperatingSystem.IsLinux())
            return;

        try
        {
            socket.SetRawSocketOption(IpProtoTcp, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
        }
        catch (Exception e) when (IsGone(e)) { }
    }

    private static bool IsGone(Exception exception) => exception is SocketException or ObjectDisposedException;
}
