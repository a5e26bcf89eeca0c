using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Streaming.Connections;

/// <summary>Output of a connection, written only by its loop. No write waits; a busy output accepts no write.</summary>
internal abstract class StreamOutput(PendingWriteBudget pending)
{
    private volatile bool _busy;

    /// <summary>True if bytes need HTTP/1.1 chunk framing (RFC 9112 §7.1), which Kestrel no longer adds.</summary>
    public abstract bool Chunked { get; }

    /// <summary>The smoothed round-trip time to the last hop in ms. Null if the kernel does not tell it.</summary>
    public virtual double? RoundTrip => null;

    /// <summary>True while the peer has not taken the last write.</summary>
    public bool Busy
    {
        get => _busy;
        protected set => _busy = value;
    }

    /// <summary>Told when a busy output accepts bytes again, or breaks. Set before the first write.</summary>
    public IOutputOwner Owner { protected get; set; } = null!;

    /// <summary>Writes the bytes, which may be reused after the call. Returns false if the peer is gone.</summary>
    /// <param name="batch">The batch that the bytes are from, if other connections get the same bytes.</param>
    public abstract bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null);

    /// <summary>Ends the body and its connection, if Kestrel does not end the body.</summary>
    public virtual void End() { }

    protected void Keep(PendingWrite write)
    {
        Busy = true;
        pending.Hold(write, Owner);
    }

    /// <summary>Releases a write that the peer has taken, or whose peer is gone.</summary>
    protected void Taken(PendingWrite write)
    {
        pending.Release(write, Owner);
        Busy = false;
        Owner.Ready();
    }

    /// <summary>Adds chunk framing to occasional frames; <see cref="WriteBatch"/> frames the deliveries.</summary>
    public byte[] Framed(byte[] frames) => Chunked ? Chunk.Of(frames) : frames;

    /// <summary>Returns the head of a response, and framed frames after it.</summary>
    public byte[] Framed(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> head) =>
        Chunked ? Chunk.Of(frames, head) : [.. head, .. frames];
}

/// <summary>Writes to Kestrel's transport after a takeover, or to a response body (HTTP/2, TLS, HTTP/1.0).</summary>
internal sealed class PipeOutput(PipeWriter pipe, bool chunked, PendingWriteBudget pending, Socket? socket = null)
    : StreamOutput(pending)
{
    /// <summary>Bytes that Kestrel buffers before a write waits.</summary>
    private const int PipeBytes = 64 * 1024;

    private volatile bool _broken;

    public override bool Chunked => chunked;

    public override double? RoundTrip => StreamSocket.RoundTrip(socket);

    public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
    {
        if (_broken)
            return false;
        try
        {
            var write = pipe.WriteAsync(bytes);
            if (write.IsCompletedSuccessfully)
                return !write.Result.IsCompleted;

            var kept = new PendingWrite(default, PipeBytes + bytes.Length);
            Keep(kept);
            _ = FinishAsync(write, kept);

            return true;
        }
        catch (Exception e) when (IsPeerGone(e))
        {
            return false;
        }
    }

    public override void End()
    {
        if (!chunked || _broken)
            return;

        StreamSocket.HoldLastSegment(socket);

        try
        {
            pipe.Write(Chunk.Last.Span);
            // The transport sends the rest of a completed pipe, and ends the connection.
            pipe.Complete();
        }
        catch (Exception e) when (IsPeerGone(e)) { }
    }

    private async Task FinishAsync(ValueTask<FlushResult> write, PendingWrite kept)
    {
        try
        {
            _broken = (await write).IsCompleted;
        }
        catch (Exception e) when (IsPeerGone(e))
        {
            _broken = true;
        }
        Taken(kept);
    }

    // Kestrel completes the pipe when the peer resets the connection or the connection is aborted.
    private static bool IsPeerGone(Exception exception) =>
        exception is IOException or InvalidOperationException or OperationCanceledException or ObjectDisposedException;
}
