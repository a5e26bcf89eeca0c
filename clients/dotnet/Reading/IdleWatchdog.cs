namespace AspireSse.Client.Reading;

/// <summary>
/// Detects silent connections with one timer for all streams of a client. The timer runs only while streams are open.
/// </summary>
internal sealed class IdleWatchdog(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly HashSet<IdleWatch> _watches = [];
    private ITimer? _timer;
    private TimeSpan _period = Timeout.InfiniteTimeSpan;

    public TimeProvider Clock => clock;

    /// <summary>
    /// Watches a connection until the result is disposed. Cancels <paramref name="cancellation"/> when the connection
    /// is silent.
    /// </summary>
    public IdleWatch? Watch(TimeSpan timeout, CancellationTokenSource cancellation)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
            return null;

        var watch = new IdleWatch(this, timeout, cancellation);
        var period = TimeSpan.FromTicks(Math.Max(timeout.Ticks / 4, TimeSpan.TicksPerMillisecond));

        lock (_gate)
        {
            _watches.Add(watch);
            if (_timer is not null && period >= _period)
                return watch;

            _period = period;

            // The timer must not capture the execution context of the first stream.
            using (ExecutionContext.IsFlowSuppressed() ? default(AsyncFlowControl?) : ExecutionContext.SuppressFlow())
                _timer ??= clock.CreateTimer(static w => ((IdleWatchdog)w!).Look(), this, period, period);

            _timer.Change(period, period);
        }

        return watch;
    }

    public void Forget(IdleWatch watch)
    {
        lock (_gate)
        {
            _watches.Remove(watch);
            if (_watches.Count > 0)
                return;
            _timer?.Dispose();
            _timer = null;
        }
    }

    private void Look()
    {
        List<IdleWatch>? silent = null;
        lock (_gate)
            foreach (var watch in _watches)
                if (watch.IsSilent)
                    (silent ??= []).Add(watch);

        foreach (var watch in silent ?? [])
            watch.Expire();
    }
}

/// <summary>
/// One watched connection. Time counts between <see cref="Begin"/> and <see cref="Pause"/>, while a read waits.
/// </summary>
internal sealed class IdleWatch(IdleWatchdog watchdog, TimeSpan timeout, CancellationTokenSource cancellation)
    : IDisposable
{
    private const long Paused = long.MinValue;
    private long _since = Paused;

    public bool Expired { get; private set; }

    public bool IsSilent =>
        Volatile.Read(ref _since) is var since && since != Paused && watchdog.Clock.GetElapsedTime(since) >= timeout;

    public void Begin() => Volatile.Write(ref _since, watchdog.Clock.GetTimestamp());

    public void Pause() => Volatile.Write(ref _since, Paused);

    public void Expire()
    {
        Expired = true;
        try
        {
            cancellation.Cancel();
        }
        catch (ObjectDisposedException) { } // the connection ended at the same time
    }

    public void Dispose() => watchdog.Forget(this);
}
