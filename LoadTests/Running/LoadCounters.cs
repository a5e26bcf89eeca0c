using System.Collections.Concurrent;
using AspireSse.Client;

namespace LoadTests.Running;

/// <summary>What is counted while a scenario runs. Thread-safe.</summary>
internal sealed class LoadCounters
{
    private readonly ConcurrentDictionary<SseStream, bool> _streams = new();
    private long _connected, _reconnects, _resyncs, _published, _acknowledged, _refused;

    /// <summary>Streams whose clients want to be there, and those of them that are not: cut off, and not back yet.</summary>
    public (long Open, long Away) Streams()
    {
        var (open, away) = (0L, 0L);
        foreach (var (stream, _) in _streams)
            if (stream.State == SseStreamState.Open) open++; else away++;
        return (open, away);
    }

    /// <summary>Clients that came, each counted once.</summary>
    public long Connected => Volatile.Read(ref _connected);
    public long Reconnects => Volatile.Read(ref _reconnects);
    public long Resyncs => Volatile.Read(ref _resyncs);

    /// <summary>Begun to be published.</summary>
    public long Published => Volatile.Read(ref _published);
    public long Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Neither acknowledged nor going to be.</summary>
    public long Refused => Volatile.Read(ref _refused);
    public long Outstanding => Published - Acknowledged - Refused;

    /// <summary>Of a stream that is open: its client is there, until it leaves.</summary>
    public void Opened(SseStream stream, bool first)
    {
        _streams[stream] = true;
        if (first) Interlocked.Increment(ref _connected);
    }

    public void Closed(SseStream stream) => _streams.TryRemove(stream, out _);
    public void Reconnected() => Interlocked.Increment(ref _reconnects);
    public void Resynced() => Interlocked.Increment(ref _resyncs);
    public void PublishedOne() => Interlocked.Increment(ref _published);
    public void AcknowledgedOne() => Interlocked.Increment(ref _acknowledged);
    public void RefusedOne() => Interlocked.Increment(ref _refused);
}
