using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Streaming.Metrics;

namespace Streaming.Connections;

/// <summary>An open stream, fed by a filter ring or written by its endpoint. Safe to read from any thread.</summary>
internal abstract class OpenStream(string id, StreamClient client) : IReplaceableStream
{
    private TaskCompletionSource? _ended;

    public string Id => id;
    public StreamClient Client => client;
    public abstract IReadOnlyList<string> Topics { get; }
    public DateTimeOffset ConnectedAt { get; init; }

    public required StreamDeadlines Deadlines { get; init; }

    public IStreamSession? Session { get; init; }

    /// <summary>Events and bytes written to the socket.</summary>
    public long Delivered { get; protected set; }
    public long Bytes { get; protected set; }
    public LatencyBuckets Latency { get; } = new();

    /// <summary><c>live</c>, <c>catching-up</c> (not from its ring) or <c>slow</c> (the peer does not read).</summary>
    public abstract string State { get; }

    /// <summary>The smoothed round-trip time to the last hop in ms. Null if the kernel does not tell it.</summary>
    public virtual double? RoundTrip => null;

    /// <summary>Positions between the replica's head and the last write; 0 if the stream has caught up.</summary>
    public abstract long Lag { get; }

    /// <summary>Requests the end, from any thread, and returns at once.</summary>
    public abstract void RequestEnd(EndReason reason);

    public void Replace() => RequestEnd(EndReason.Replaced);

    /// <summary>Reason of the end, or null while the stream is open.</summary>
    public EndReason? End { get; private set; }

    public bool HasEnded => End is not null;

    /// <summary>Completes after the last write.</summary>
    public Task Ended
    {
        get
        {
            // Created on demand: nobody awaits the end of a stream that is only a socket.
            var ended = LazyInitializer.EnsureInitialized(
                ref _ended,
                static () => new(TaskCreationOptions.RunContinuationsAsynchronously)
            );
            if (HasEnded)
                ended.TrySetResult();

            return ended.Task;
        }
    }

    /// <summary>Marks the stream as ended. Only the writer of the stream calls this method.</summary>
    public virtual void MarkEnded(EndReason reason)
    {
        if (End is not null)
            return;
        End = reason;
        Interlocked.MemoryBarrier();
        _ended?.TrySetResult();
    }
}

/// <summary>The client of a stream, copied from its request so that the request is not kept.</summary>
/// <param name="User">Name of its user, only for display.</param>
/// <param name="Key">Key of the client (<see cref="ClientKey.Person"/>), for turns among clients.</param>
internal sealed record StreamClient(string Address, string? User, string Endpoint, string Key)
{
    /// <summary>The parent of the stream's span.</summary>
    public ActivityContext Trace { get; private set; } = Activity.Current?.Context ?? default;

    /// <summary>Replaces the request's span by the stream's. The request ends at the connection takeover, so its span
    /// would say nothing, and an export costs a quarter of a connect.</summary>
    public void StandForRequest(HttpContext context)
    {
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is not { } request)
            return;

        Trace = new(request.TraceId, request.ParentSpanId, request.ActivityTraceFlags, isRemote: true);
        request.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        request.IsAllDataRequested = false;
    }
}

internal enum EndReason
{
    ClientGone,

    Complete,

    /// <summary>The server stopped; the client was sent a reconnection time.</summary>
    Drained,

    /// <summary>No write succeeded for too long.</summary>
    Dead,

    /// <summary>The stream reached its maximum age; the client was sent a reconnection time.</summary>
    Aged,

    /// <summary>An operator closed the stream.</summary>
    Closed,

    /// <summary>The client lagged and had asked to be disconnected in that case.</summary>
    TooSlow,

    /// <summary>Memory for pending writes was short (<c>PendingWriteBytes</c>), and this stream's write had waited
    /// longest.</summary>
    Stalled,

    /// <summary>The epoch of a finite stream ended. Its client starts from the beginning in the new epoch.</summary>
    Outdated,

    /// <summary>The missed events cannot be read, or the endpoint that writes the stream has failed.</summary>
    Failed,

    /// <summary>The right to read the stream ended; the client was notified.</summary>
    Unauthorized,

    /// <summary>A newer stream of the same credential has taken its place; the client was notified.</summary>
    Replaced,
}
