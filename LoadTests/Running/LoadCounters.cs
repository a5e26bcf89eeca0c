namespace LoadTests.Running;

/// <summary>What is counted while a scenario runs. Thread-safe.</summary>
internal sealed class LoadCounters
{
    private long _open, _connected, _reconnects, _resyncs, _published, _acknowledged, _refused;

    /// <summary>Streams open now.</summary>
    public long Open => Volatile.Read(ref _open);

    /// <summary>Streams opened for the first time.</summary>
    public long Connected => Volatile.Read(ref _connected);
    public long Reconnects => Volatile.Read(ref _reconnects);
    public long Resyncs => Volatile.Read(ref _resyncs);

    /// <summary>Begun to be published.</summary>
    public long Published => Volatile.Read(ref _published);
    public long Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Neither acknowledged nor going to be.</summary>
    public long Refused => Volatile.Read(ref _refused);
    public long Outstanding => Published - Acknowledged - Refused;

    public void Opened(bool first)
    {
        Interlocked.Increment(ref _open);
        if (first) Interlocked.Increment(ref _connected);
    }

    public void Closed() => Interlocked.Decrement(ref _open);
    public void Reconnected() => Interlocked.Increment(ref _reconnects);
    public void Resynced() => Interlocked.Increment(ref _resyncs);
    public void PublishedOne() => Interlocked.Increment(ref _published);
    public void AcknowledgedOne() => Interlocked.Increment(ref _acknowledged);
    public void RefusedOne() => Interlocked.Increment(ref _refused);
}
