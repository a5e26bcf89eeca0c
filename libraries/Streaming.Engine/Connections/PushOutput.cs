using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;

namespace Streaming.Connections;

/// <summary>Output of a <see cref="PushStream"/>. A write completes when its bytes are taken.</summary>
internal abstract class PushOutput
{
    public abstract Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Ends the body and its connection, if Kestrel does not end the body.</summary>
    public virtual Task CompleteAsync() => Task.CompletedTask;

    public abstract void Abort();

    /// <summary>The smoothed round-trip time to the last hop in ms. Null if the kernel does not tell it.</summary>
    public virtual double? RoundTrip => null;
}

/// <summary>Writes to the response body. Kestrel buffers up to 64 kB before a write waits.</summary>
internal sealed class ResponseOutput(HttpContext context) : PushOutput
{
    private readonly Socket? _socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;

    public override async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await context.Response.Body.WriteAsync(bytes, cancellationToken);
        await context.Response.Body.FlushAsync(cancellationToken);
    }

    public override void Abort() => context.Abort();

    public override double? RoundTrip => StreamSocket.RoundTrip(_socket);
}

/// <summary>Writes to a taken-over socket with a small send buffer, so that a write waits for the peer's window. Larger
/// buffers would hold some thousand tokens for a client that has stopped reading.</summary>
/// <remarks>Kestrel's pipe holds no earlier response: clients do not pipeline, so they have read all earlier
/// responses.</remarks>
internal sealed class PacedSocketOutput : PushOutput
{
    private readonly Socket _socket;
    private readonly Action _abort;

    public PacedSocketOutput(Socket socket, int sendBuffer, Action abort)
    {
        _socket = socket;
        _abort = abort;

        try
        {
            socket.SendBufferSize = sendBuffer;
            // Linux doubles the buffer, and would fill it with unsent bytes, behind which a token would wait.
            StreamSocket.LimitUnsent(socket, kilobytes: 1);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { } // the first write fails
    }

    /// <summary>The response head, written before the first chunk.</summary>
    public byte[] Head { get; set; } = [];

    public override async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var chunk = Chunk.Of(bytes.Span);
        await SendAsync(Head.Length == 0 ? chunk : [.. Head, .. chunk], cancellationToken);
        Head = [];
    }

    public override async Task CompleteAsync()
    {
        StreamSocket.HoldLastSegment(_socket);
        await SendAsync((byte[])[.. Head, .. Chunk.Last.Span], CancellationToken.None);
        StreamSocket.End(_socket);
    }

    public override void Abort() => _abort();

    public override double? RoundTrip => StreamSocket.RoundTrip(_socket);

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
