using Microsoft.AspNetCore.Connections;

namespace Streaming.Takeover;

/// <summary>
/// What an endpoint finds in its features where its connection can outlive the request: an HTTP/1.1 connection without
/// TLS. The request
/// goes through the whole pipeline like any other; then Kestrel's HTTP loop ends by itself and the connection goes on
/// with neither
/// HttpContext nor pipeline state, about 6 kB instead of 16.
/// </summary>
internal interface IConnectionTakeover
{
    /// <summary>
    /// Call before the response starts. From here on what Kestrel writes, the response head, is kept instead of sent.
    /// False where the
    /// connection cannot be handed over: HTTP/2, HTTP/1.0, TLS, a started response. Then hold the endpoint open.
    /// </summary>
    bool TryArm(HttpContext context);

    /// <summary>Call last, and return: <paramref name="run"/> gets the connection when Kestrel's loop has ended. It
    /// must not hold the context.</summary>
    void Complete(Func<TakenConnection, Task> run);
}

/// <summary>A connection after its HTTP phase.</summary>
internal sealed class TakenConnection(ConnectionContext connection, ReadOnlyMemory<byte> head, bool isFresh)
{
    private ReadOnlyMemory<byte> _head = head;

    public ConnectionContext Connection => connection;

    /// <summary>Nothing has been sent on it yet. Otherwise an earlier response may still be on its way through
    /// Kestrel's output pipe.</summary>
    public bool IsFresh => isFresh;

    /// <summary>The response head, once, so that the buffer does not live as long as the connection.</summary>
    /// <remarks>
    /// Without <c>Connection: close</c>, which ended Kestrel's loop: Node's <c>fetch</c> takes a connection that breaks
    /// in the middle of
    /// such a body for its proper end. RFC 9112 §9.6 lets a server close after any response.
    /// </remarks>
    public ReadOnlyMemory<byte> TakeHead()
    {
        var taken = _head;
        _head = default;
        var header = taken.Span.IndexOf(CloseHeader);
        return header < 0 ? taken : (byte[])[.. taken.Span[..header], .. taken.Span[(header + CloseHeader.Length)..]];
    }

    private static ReadOnlySpan<byte> CloseHeader => "\r\nConnection: close"u8;

    /// <summary>Returns when the client is gone, or the read is cancelled, or it sends more than a stream's client has
    /// reason to. What it sends is dropped.</summary>
    public async Task ReadUntilGoneAsync()
    {
        const long MostIgnored = 64 * 1024;
        var input = connection.Transport.Input;
        try
        {
            for (long ignored = 0; ignored <= MostIgnored; )
            {
                var read = await input.ReadAsync();
                ignored += read.Buffer.Length;
                input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.IsCanceled)
                    return;
            }
        }
        // reset, aborted
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException) { }
    }
}
