using System.Collections.Concurrent;
using AspireSse.Client;

namespace LoadTests.Measurements;

/// <summary>The counters of a running scenario. Thread-safe.</summary>
internal sealed class LoadCounters(TimeProvider clock)
{
    /// <summary>Longer than a healthy server takes to accept a client.</summary>
    private static readonly TimeSpan AdmissionTimeout = TimeSpan.FromSeconds(1);

    /// <summary>The time at which each stream began to connect, or null for an accepted one.</summary>
    private readonly ConcurrentDictionary<SseStream, long?> _streams = new();
    private long _connected;
    private long _reconnects;
    private long _resyncs;
    private long _published;
    private long _acknowledged;
    private long _failed;

    /// <summary>
    /// Counts the streams that should be open: open ones, those disconnected and not back yet, and those waiting to be
    /// accepted since they connected on purpose.
    /// </summary>
    public (long Open, long Disconnected, long Waiting) Streams()
    {
        var (open, disconnected, waiting) = (0L, 0L, 0L);
        foreach (var (stream, connecting) in _streams)
            if (stream.State == SseStreamState.Open)
                open++;
            else if (connecting is not { } since)
                disconnected++;
            else if (clock.GetElapsedTime(since) > AdmissionTimeout)
                waiting++;

        return (open, disconnected, waiting);
    }

    /// <summary>Streams that wait to be accepted since they connected on purpose.</summary>
    public long Connecting => _streams.Count(s => s is { Value: not null, Key.State: not SseStreamState.Open });

    /// <summary>Clients that connected, each counted once.</summary>
    public long Connected => Volatile.Read(ref _connected);
    public long Reconnects => Volatile.Read(ref _reconnects);
    public long Resyncs => Volatile.Read(ref _resyncs);

    /// <summary>Events whose publishing has begun.</summary>
    public long Published => Volatile.Read(ref _published);
    public long Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Events that were not and will not be acknowledged.</summary>
    public long Failed => Volatile.Read(ref _failed);
    public long Outstanding => Published - Acknowledged - Failed;

    /// <summary>Records that a client wants a stream open, until <see cref="Closing"/>.</summary>
    public void BeginConnect(SseStream stream) => _streams[stream] = clock.GetTimestamp();

    /// <summary>Records that a stream is open.</summary>
    public void Opened(SseStream stream, bool first)
    {
        _streams[stream] = null;
        if (first)
            Interlocked.Increment(ref _connected);
    }

    /// <summary>Records that a client closes its stream on purpose. Call it before
    /// the stream ends, otherwise the stream counts as disconnected.</summary>
    public void Closing(SseStream stream) => _streams.TryRemove(stream, out _);

    public void RecordReconnect() => Interlocked.Increment(ref _reconnects);

    public void RecordResync() => Interlocked.Increment(ref _resyncs);

    public void RecordPublished() => Interlocked.Increment(ref _published);

    public void RecordAcknowledged() => Interlocked.Increment(ref _acknowledged);

    public void RecordFailed() => Interlocked.Increment(ref _failed);
}
