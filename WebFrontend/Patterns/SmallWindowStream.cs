using System.Net.Sockets;

namespace WebFrontend.Patterns;

/// <summary>
/// A connection with the smallest receive window that the kernel allows (about 2 kB), read in small pieces. A browser
/// would buffer half a megabyte before the server noticed a slow reader.
/// </summary>
internal sealed class SmallWindowStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private const int Window = 1_024;
    private const int Piece = 128;

    public static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        CancellationToken cancellationToken
    )
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = Window };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new SmallWindowStream(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        base.ReadAsync(buffer[..Math.Min(buffer.Length, Piece)], cancellationToken);
}
