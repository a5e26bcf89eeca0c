using System.Collections.Concurrent;
using AspireSse.Client;

namespace LoadTests.Running;

/// <summary>What is counted while a scenario runs. Thread-safe.</summary>
internal sealed class LoadCounters(TimeProvider clock)
{
    /// <summary>Longer than a server that is well takes to let a client in.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Of each the moment when its client came; null of one that was let in.</summary>
    private readonly ConcurrentDictionary<SseStream, long?> _streams = new();
    private long _connected,
        _reconnects,
        _resyncs,
        _published,
        _acknowledged,
        _refused;

    /// <summary>
    /// Streams whose clients want to be there, and those of them that are not: cut off, and not back yet; or kept out,
    /// since they came or came back by intention.
    /// </summary>
    public (long Open, long Away, long KeptOut) Streams()
    {
        var (open, away, keptOut) = (0L, 0L, 0L);
        foreach (var (stream, came) in _streams)
        {
            if (stream.State == SseStreamState.Open)
                open++;
            else if (came is not { } since)
                away++;
            else if (clock.GetElapsedTime(since) > Patience)
                keptOut++;
        }
        return (open, away, keptOut);
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

    /// <summary>Its client wants to be there, until it leaves.</summary>
    public void Coming(SseStream stream) => _streams[stream] = clock.GetTimestamp();

    /// <summary>Its client is there.</summary>
    public void Opened(SseStream stream, bool first)
    {
        _streams[stream] = null;
        if (first)
            Interlocked.Increment(ref _connected);
    }

    /// <summary>Its client leaves by intention. Said before its stream ends, or it would be taken for one that was cut
    /// off.</summary>
    public void Leaves(SseStream stream) => _streams.TryRemove(stream, out _);

    public void Reconnected() => Interlocked.Increment(ref _reconnects);

    public void Resynced() => Interlocked.Increment(ref _resyncs);

    public void PublishedOne() => Interlocked.Increment(ref _published);

    public void AcknowledgedOne() => Interlocked.Increment(ref _acknowledged);

    public void RefusedOne() => Interlocked.Increment(ref _refused);
}
