using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Streaming.Sockets;

namespace Streaming.Takeover;

/// <summary>A connection after its HTTP phase.</summary>
/// <param name="isFresh">False if an earlier response may still be in Kestrel's output pipe.</param>
internal sealed class TakenConnection(
    ConnectionContext connection,
    ReadOnlyMemory<byte> head,
    bool isFresh,
    OpenConnections open
)
{
    private static readonly ConnectionAbortedException Left = new("Its stream has the connection.");

    private ReadOnlyMemory<byte> _head = head;

    public ConnectionContext Connection => connection;

    public Socket? Socket => connection.Features.Get<IConnectionSocketFeature>()?.Socket;

    /// <summary>Takes the socket from Kestrel, or returns null if that is not possible. Kestrel's part of the
    /// connection, which would cost each stream 4.6 kB, ends when the caller returns.</summary>
    public DetachedConnection? Detach()
    {
        if (!isFresh || !OperatingSystem.IsLinux() || Socket is not { } socket)
            return null;
        if (NativeSocket.TakeFrom(socket) is not { } taken)
            return null;

        var detached = new DetachedConnection(taken, open);
        connection.Features.Set<IDetachedConnectionFeature>(detached);
        // Ends Kestrel's pending read, which would wait for ever. To dispose the socket would end it, too, but each
        // stream would cause an exception in Kestrel, which would still shut the socket down.
        connection.Abort(Left);

        return detached;
    }

    /// <summary>Returns the response head once, so that its buffer does not live as long as the connection.</summary>
    /// <remarks>Omits <c>Connection: close</c>, which ended Kestrel's loop: Node's <c>fetch</c> takes a broken
    /// connection for the proper end of such a body. RFC 9112 §9.6 lets a server close after any response, and
    /// <c>Keep-Alive</c> announces it (<see cref="KestrelTakeover.NotKept"/>).</remarks>
    public ReadOnlyMemory<byte> TakeHead()
    {
        var taken = _head;
        _head = default;
        var header = taken.Span.IndexOf(CloseHeader);
        if (header < 0)
            return taken;

        // In place: nothing else has the buffer any more.
        var kept = MemoryMarshal.AsMemory(taken);
        kept.Span[(header + CloseHeader.Length)..].CopyTo(kept.Span[header..]);
        return kept[..^CloseHeader.Length];
    }

    private static ReadOnlySpan<byte> CloseHeader => "\r\nConnection: close"u8;

    /// <summary>Discards input until the client is gone, the read is cancelled, or too much has been sent.</summary>
    public async Task ReadUntilGoneAsync()
    {
        var input = connection.Transport.Input;
        try
        {
            for (long ignored = 0; ignored <= NativeSocket.MostIgnored; )
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
