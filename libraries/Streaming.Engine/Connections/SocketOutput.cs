using Streaming.Sockets;

namespace Streaming.Connections;

/// <summary>Writes to a taken-over socket (no TLS, nothing written before) by one system call per delivery. Bytes that
/// a full socket refuses (at most one batch) are kept and sent later.</summary>
internal sealed class SocketOutput(NativeSocket socket, SocketWatch watch, PendingWriteBudget pending)
    : StreamOutput(pending),
        IWatched
{
    private PendingWrite? _kept;
    private ReadOnlyMemory<byte> _rest;
    private int _ignored;
    private volatile bool _broken;

    public override bool Chunked => true;

    public override double? RoundTrip => StreamSocket.RoundTrip(socket);

    public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
    {
        if (_broken || Send(bytes.Span) is not (>= 0 and var sent))
            return false;
        if (sent == bytes.Length)
            return true;

        var kept = batch?.Pending() ?? new PendingWrite(bytes[sent..].ToArray(), bytes.Length - sent);
        Keep(kept);
        _rest = kept.Bytes[^(bytes.Length - sent)..];
        Volatile.Write(ref _kept, kept);
        watch.AwaitWritable(socket);

        return true;
    }

    public override void End()
    {
        try
        {
            StreamSocket.HoldLastSegment(socket);
            if (TryWrite(Chunk.Last) && !Busy)
                socket.End();
        }
        catch (ObjectDisposedException) { }
    }

    /// <summary>Closes the connection, at once if its client has not taken everything.</summary>
    public void Disconnect()
    {
        watch.Remove(socket);
        _broken = true;

        if (Busy)
            socket.Abort();
        else
            socket.Dispose();

        if (Interlocked.Exchange(ref _kept, null) is { } kept)
            Taken(kept);
    }

    /// <summary>Tells the owner from now on if the client is gone.</summary>
    public void Watch(IOutputOwner owner)
    {
        Owner = owner;
        watch.Watch(socket, this);
    }

    void IWatched.Readable(Span<byte> buffer)
    {
        try
        {
            var read = socket.Discard(buffer);
            _ignored += read;
            if (read < 0 || _ignored > NativeSocket.MostIgnored)
                Owner.Gone();
        }
        catch (ObjectDisposedException) { }
    }

    void IWatched.Writable()
    {
        if (Volatile.Read(ref _kept) is null)
            return;

        var sent = Send(_rest.Span);
        if (sent < 0)
            _broken = true;
        _rest = sent < 0 ? default : _rest[sent..];

        if (_rest.IsEmpty && Interlocked.Exchange(ref _kept, null) is { } kept)
            Taken(kept);
    }

    /// <summary>Returns the bytes sent, or -1 if the peer is gone.</summary>
    private int Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return socket.Send(bytes);
        }
        catch (ObjectDisposedException)
        {
            return -1;
        }
    }
}
