using System.Net.Sockets;

namespace Streaming.Connections;

/// <summary>Writes to a socket that is taken over, without TLS and not yet written to, by one system call per delivery.
/// Bytes that a full socket refuses (at most one batch) are kept and sent later.</summary>
internal sealed class SocketOutput : StreamOutput
{
    private readonly Socket _socket;
    private volatile bool _broken;

    public SocketOutput(Socket socket, PendingWriteBudget pending)
        : base(pending)
    {
        _socket = socket;
        // Kestrel has made the descriptor non-blocking; this makes Send return instead of waiting.
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

            var kept = batch?.Pending() ?? new PendingWrite(bytes[sent..].ToArray(), bytes.Length - sent);
            Keep(kept);
            _ = FinishAsync(kept, kept.Bytes[^(bytes.Length - sent)..]);

            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    public override void End()
    {
        StreamSocket.HoldLastSegment(_socket);
        if (TryWrite(Chunk.Last) && !Busy)
            StreamSocket.End(_socket);
    }

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
