namespace Harness.Worlds;

/// <summary>
/// The machine's clock, which a test moves forward: what becomes due meanwhile, such as a timer, is due at once. It
/// goes on by itself like any clock, so that real sockets and stores answer in their own time. Postgres keeps its own
/// clock. Thread-safe.
/// </summary>
internal sealed class MovableClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly HashSet<MovableTimer> _timers = [];
    private long _ahead;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + new TimeSpan(Volatile.Read(ref _ahead));

    public override long GetTimestamp() =>
        base.GetTimestamp() + Volatile.Read(ref _ahead) * (TimestampFrequency / TimeSpan.TicksPerSecond);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new MovableTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock forward, and fires the timers that are due then.</summary>
    public void Advance(TimeSpan time)
    {
        Interlocked.Add(ref _ahead, time.Ticks);

        MovableTimer[] timers;
        lock (_gate)
            timers = [.. _timers];

        foreach (var timer in timers)
            timer.Move();
    }

    /// <summary>A timer of the machine that is set again whenever its clock moves.</summary>
    private sealed class MovableTimer : ITimer
    {
        private readonly MovableClock _clock;
        private readonly ITimer _timer;
        private readonly Lock _gate = new();
        private DateTimeOffset? _due;
        private TimeSpan _period;

        public MovableTimer(MovableClock clock, TimerCallback callback, object? state)
        {
            _clock = clock;
            _timer = System.CreateTimer(
                _ =>
                {
                    Fired();
                    callback(state);
                },
                null,
                Timeout.InfiniteTimeSpan,
                Timeout.InfiniteTimeSpan
            );
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (_gate)
            {
                _period = period;
                _due = dueTime < TimeSpan.Zero ? null : _clock.GetUtcNow() + dueTime;
            }

            lock (_clock._gate)
                _ = _due is null ? _clock._timers.Remove(this) : _clock._timers.Add(this);

            if (_timer.Change(dueTime, Timeout.InfiniteTimeSpan))
                return true;

            // It was disposed meanwhile.
            lock (_clock._gate)
                _clock._timers.Remove(this);

            return false;
        }

        /// <summary>Sets the machine's timer to what is left until this one is due.</summary>
        public void Move()
        {
            lock (_gate)
            {
                if (_due is not { } due)
                    return;

                var left = due - _clock.GetUtcNow();
                _timer.Change(left < TimeSpan.Zero ? TimeSpan.Zero : left, Timeout.InfiniteTimeSpan);
            }
        }

        public void Dispose()
        {
            lock (_clock._gate)
                _clock._timers.Remove(this);
            _timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            lock (_clock._gate)
                _clock._timers.Remove(this);
            return _timer.DisposeAsync();
        }

        private void Fired()
        {
            if (_period > TimeSpan.Zero)
                Change(_period, _period);
            else
                Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
