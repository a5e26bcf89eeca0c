using System.Net.Sockets;

namespace WebFrontend.Patterns;

/// <summary>
/// A connection of a reader that hardly buffers: its window is as small as the kernel allows (about 2 kB), and it is
/// read in small pieces. A
/// browser would take in half a megabyte before the server felt that nobody reads.
/// </summary>
internal sealed class SlowReader(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private const int Window = 1_024,
        Piece = 128;

    public static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        CancellationToken cancellationToken
    )
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = Window };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new SlowReader(socket);
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
