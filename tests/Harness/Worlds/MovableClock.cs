namespace Harness.Worlds;

/// <summary>A clock that runs as the system's does, and that a test moves ahead: what is due until then happens at
/// once.</summary>
internal sealed class MovableClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly HashSet<MovableTimer> _timers = [];
    private TimeSpan _ahead;

    private TimeSpan Ahead
    {
        get
        {
            lock (_gate)
                return _ahead;
        }
    }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new MovableTimer(this, callback, state);
        lock (_gate)
            _timers.Add(timer);

        timer.Change(dueTime, period);
        return timer;
    }

    public void Move(TimeSpan by)
    {
        MovableTimer[] timers;
        lock (_gate)
        {
            _ahead += by;
            timers = [.. _timers];
        }

        foreach (var timer in timers)
            timer.Moved();
    }

    private void Remove(MovableTimer timer)
    {
        lock (_gate)
            _timers.Remove(timer);
    }

    private sealed class MovableTimer : ITimer
    {
        private readonly MovableClock _clock;
        private readonly ITimer _timer;
        private readonly Lock _gate = new();
        private DateTimeOffset? _due;
        private TimeSpan _period = Timeout.InfiniteTimeSpan;

        public MovableTimer(MovableClock clock, TimerCallback callback, object? state)
        {
            _clock = clock;
            _timer = System.CreateTimer(
                _ =>
                {
                    lock (_gate)
                        _due = _period == Timeout.InfiniteTimeSpan ? null : _clock.GetUtcNow() + _period;
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
                // Zero fires once, as Timer has it.
                _period = period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period;
                _due = dueTime == Timeout.InfiniteTimeSpan ? null : _clock.GetUtcNow() + dueTime;
                return _timer.Change(dueTime, _period);
            }
        }

        /// <summary>Fires at once what is due by now, and the rest so much earlier.</summary>
        public void Moved()
        {
            lock (_gate)
                if (_due is { } due)
                {
                    var left = due - _clock.GetUtcNow();
                    _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, _period);
                }
        }

        public void Dispose()
        {
            _clock.Remove(this);
            _timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            _clock.Remove(this);
            return _timer.DisposeAsync();
        }
    }
}
