using System.IO.Pipelines;
using System.Text;

namespace Streaming.Connections;

/// <summary>Where a connection's bytes go. One writer: the connection's loop. A write never waits; a busy output takes
/// none.</summary>
internal abstract class StreamOutput(PendingWrites pending)
{
    private volatile bool _busy;

    /// <summary>Whether the bytes need HTTP/1.1 chunk framing (RFC 9112 §7.1), because Kestrel no longer adds
    /// it.</summary>
    public abstract bool Chunked { get; }

    /// <summary>The last write has not been taken yet: the peer reads slower than we write.</summary>
    public bool Busy
    {
        get => _busy;
        protected set => _busy = value;
    }

    /// <summary>The stream that it is the output of. Its loop is told when a busy output takes bytes again, or is
    /// broken.</summary>
    public StreamConnection? Stream { get; set; }

    /// <summary>Hands the bytes over; they may be reused after the call. False where the peer is gone.</summary>
    /// <param name="bytes">What is written.</param>
    /// <param name="batch">What the bytes are of, where other connections are written the same.</param>
    public abstract bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null);

    /// <summary>The peer does not take the write now.</summary>
    protected void Keep(PendingWrite write)
    {
        Busy = true;
        pending.Hold(write, this);
    }

    /// <summary>The peer has taken the write, or is gone.</summary>
    protected void Taken(PendingWrite write)
    {
        pending.Release(write, this);
        Busy = false;
        Stream?.Loop?.Ready(Stream);
    }

    /// <summary>The end of a chunked body.</summary>
    public static readonly ReadOnlyMemory<byte> LastChunk = "0\r\n\r\n"u8.ToArray();

    /// <summary>Frames as this output needs them. For what is sent now and then; deliveries are framed by <see
    /// cref="WriteBatch"/>.</summary>
    public byte[] Framed(byte[] frames) =>
        Chunked ? [.. Encoding.ASCII.GetBytes($"{frames.Length:x}\r\n"), .. frames, .. "\r\n"u8] : frames;
}

/// <summary>Writes to a pipe: Kestrel's transport after a handover, or the response body (HTTP/2, TLS,
/// HTTP/1.0).</summary>
internal sealed class PipeOutput(PipeWriter pipe, bool chunked, PendingWrites pending) : StreamOutput(pending)
{
    /// <summary>Kestrel takes so much before it makes anybody wait.</summary>
    private const int PipeBytes = 64 * 1024;

    private volatile bool _broken;

    public override bool Chunked => chunked;

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

    // Kestrel completes the pipe under us when the peer resets or the connection is aborted.
    private static bool IsPeerGone(Exception e) =>
        e is IOException or InvalidOperationException or OperationCanceledException or ObjectDisposedException;
}
