using System.Net.Sockets;
using System.Text;

namespace Streaming.Connections;

/// <summary>Where a <see cref="PushStream"/> writes. A write returns when its bytes are taken.</summary>
internal abstract class PushOutput
{
    public abstract Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>The end of the body, where it is ours to write.</summary>
    public virtual Task CompleteAsync() => Task.CompletedTask;

    public abstract void Abort();
}

/// <summary>The response body. Kestrel takes up to 64 kB before it makes anybody wait.</summary>
internal sealed class ResponseOutput(HttpContext context) : PushOutput
{
    public override async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await context.Response.Body.WriteAsync(bytes, cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }

    public override void Abort() => context.Abort();
}

/// <summary>
/// The socket of a handed-over connection, its send buffer made small: a write waits until the peer's window takes it,
/// which is what
/// backpressure is made of. Without it some thousand tokens lie in buffers before anybody notices a reader that
/// stopped.
/// </summary>
/// <remarks>
/// Earlier responses on the connection are out of Kestrel's pipe: their reader had them whole before it sent this
/// request (no client
/// pipelines).
/// </remarks>
internal sealed class PacedSocketOutput : PushOutput
{
    private readonly Socket _socket;
    private readonly Action _abort;

    public PacedSocketOutput(Socket socket, int sendBuffer, Action abort)
    {
        (_socket, _abort) = (socket, abort);
        socket.SendBufferSize = sendBuffer;
    }

    /// <summary>Written before the first chunk: the response head.</summary>
    public byte[] Head { get; set; } = [];

    public override async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await SendAsync(
            (byte[])[.. Head, .. Encoding.ASCII.GetBytes($"{bytes.Length:x}\r\n"), .. bytes.Span, .. "\r\n"u8],
            cancellationToken
        );
        Head = [];
    }

    public override Task CompleteAsync() => SendAsync(StreamOutput.LastChunk, CancellationToken.None);

    public override void Abort() => _abort();

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            while (!bytes.IsEmpty)
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            throw new IOException("The peer is gone.", e);
        }
    }
}
