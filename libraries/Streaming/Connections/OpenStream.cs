using System.Diagnostics;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Streaming.Access;
using Streaming.Requests;

namespace Streaming.Connections;

/// <summary>What the registry knows of any open stream, fed by a filter log or by an endpoint of its own. Safe to read
/// from any thread.</summary>
internal abstract class OpenStream(string id, StreamClient client)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;
    public StreamClient Client => client;
    public abstract IReadOnlyList<string> Topics { get; }
    public DateTimeOffset ConnectedAt { get; init; }

    /// <summary>When the right to read it ends, and when its client is told so before.</summary>
    public StreamExpiry Expiry { get; init; } = StreamExpiry.Endless;

    /// <summary>The credential's session that it was opened in; null where the credential has none.</summary>
    public IStreamSession? Session { get; init; }

    /// <summary>Events and bytes handed to the socket, and how long the events took (<see
    /// cref="LatencyQuantiles"/>).</summary>
    public long Delivered,
        Bytes;
    public LatencyBuckets Latency { get; } = new();

    /// <summary><c>live</c>, <c>catching-up</c> (fed from the store) or <c>slow</c> (the peer takes no more for
    /// now).</summary>
    public abstract string State { get; }

    /// <summary>Positions between the replica's head and what was written; 0 where the stream is level.</summary>
    public abstract long Lag { get; }

    /// <summary>Asks for the end, from any thread; returns at once.</summary>
    public abstract void Stop(EndReason reason);

    /// <summary>Why it ended; null while it lives.</summary>
    public EndReason? End { get; private set; }

    /// <summary>Completes when the last byte has been written.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Called once, by whoever writes.</summary>
    public virtual void Finish(EndReason reason)
    {
        if (End is not null)
            return;
        End = reason;
        _ended.TrySetResult();
    }
}

/// <summary>Who is at the other end: what the request told, none of the request itself.</summary>
/// <param name="Address">Peer address and port.</param>
/// <param name="User">The authenticated user's name.</param>
/// <param name="Endpoint">The route of the stream.</param>
/// <param name="Socket">For the round trip that the kernel measures; null where there is none.</param>
/// <param name="Trace">The request's trace.</param>
internal sealed record StreamClient(
    string Address,
    string? User,
    string Endpoint,
    Socket? Socket,
    ActivityContext Trace
)
{
    public static StreamClient Of(HttpContext context) =>
        new(
            context.ClientEndPoint(),
            context.User.Identity?.Name,
            (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? context.Request.Path,
            context.Features.Get<IConnectionSocketFeature>()?.Socket,
            Activity.Current?.Context ?? default
        );
}

/// <summary>Why a stream ended.</summary>
internal enum EndReason
{
    /// <summary>The client closed it.</summary>
    ClientGone,

    /// <summary>Everything was said.</summary>
    Complete,

    /// <summary>The server stops; the client was told when to come back.</summary>
    Drained,

    /// <summary>No write was taken for too long.</summary>
    Dead,

    /// <summary>It was open as long as a stream may be; the client was told when to come back.</summary>
    Aged,

    /// <summary>An operator closed it.</summary>
    Closed,

    /// <summary>The reader was too slow, and asked to be disconnected rather than fed late.</summary>
    TooSlow,

    /// <summary>Memory for writes that readers do not take was short, and it had waited the longest (<see
    /// cref="StreamingOptions.PendingWriteBytes"/>).</summary>
    Stalled,

    /// <summary>A finite stream of a history that has ended: its client comes back, and is told from its beginning in
    /// the new one.</summary>
    Outdated,

    /// <summary>What it missed cannot be read.</summary>
    Failed,

    /// <summary>The authorization that it was opened with has ended; the client was told.</summary>
    Unauthorized,

    /// <summary>Its ticket opened another connection; the client was told.</summary>
    Replaced,
}
