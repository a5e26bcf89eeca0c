using System.Net.Sockets;

namespace Streaming.Connections;

/// <summary>
/// Writes to the socket itself, past Kestrel's output pipe: one system call a delivery. Only for a handed-over
/// connection without TLS on
/// which nothing was sent before, so that nothing of Kestrel's can be in between. What a full socket does not take is
/// kept (at most one
/// join) and sent when it does.
/// </summary>
internal sealed class SocketOutput : StreamOutput
{
    private readonly Socket _socket;
    private volatile bool _broken;

    public SocketOutput(Socket socket, PendingWrites pending)
        : base(pending)
    {
        _socket = socket;
        // The descriptor is non-blocking already (Kestrel reads it asynchronously); this makes Send say so instead of
        // waiting.
        try
        {
            socket.Blocking = false;
        }
        catch (ObjectDisposedException)
        {
            _broken = true;
        }
    }

    public override bool Chunked => true;

    public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
    {
        if (_broken)
            return false;
        try
        {
            var sent = _socket.Send(bytes.Span, SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
                return false;
            if (sent == bytes.Length)
                return true;
            var kept = batch?.Pending() ?? Rest(bytes[sent..]);
            Keep(kept);
            _ = FinishAsync(kept, kept.Bytes[^(bytes.Length - sent)..]);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private static PendingWrite Rest(ReadOnlyMemory<byte> bytes) => new(bytes.ToArray(), bytes.Length);

    private async Task FinishAsync(PendingWrite kept, ReadOnlyMemory<byte> rest)
    {
        try
        {
            while (!rest.IsEmpty)
                rest = rest[await _socket.SendAsync(rest, SocketFlags.None)..];
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            _broken = true;
        }
        Taken(kept);
    }
}
