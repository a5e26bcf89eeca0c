using Harness.Worlds;

namespace Harness;

/// <summary>A clock that stands still until it is moved. Records each one-shot delay that was requested.</summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock gate = new();
    private readonly List<ManualTimer> timers = [];
    private TimeSpan now;
    private int reads;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Number of reads of the timestamp.</summary>
    public int Reads => Volatile.Read(ref reads);

    public override long GetTimestamp()
    {
        Interlocked.Increment(ref reads);
        lock (gate)
            return now.Ticks;
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate)
            return DateTimeOffset.UnixEpoch + now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Timers that will fire.</summary>
    public int Pending
    {
        get
        {
            lock (gate)
                return timers.Count(t => t.Due is not null);
        }
    }

    /// <summary>Pending one-shot waits.</summary>
    public IReadOnlyList<TimeSpan> Delays
    {
        get
        {
            lock (gate)
                return
                [
                    .. timers
                        .Where(t => t.Due is not null && t.Period == Timeout.InfiniteTimeSpan)
                        .Select(t => t.Due!.Value - now),
                ];
        }
    }

    public void Advance(TimeSpan by)
    {
        var until = now + by;
        while (true)
        {
            ManualTimer? next;
            lock (gate)
            {
                next = timers.Where(t => t.Due <= until).MinBy(t => t.Due);
                now = next?.Due ?? until;
                if (next is null)
                    return;
                next.Due = next.Period == Timeout.InfiniteTimeSpan ? null : now + next.Period;
            }

            next.Fire();
        }
    }

    /// <summary>Fires periodic timers, one at a time, until a one-shot delay is requested. The clock stays at the time
    /// of that request: <see cref="Advance"/> in a loop could pass it unseen.</summary>
    public Task TickUntilDelayAsync() =>
        Eventually.HoldsAsync(() =>
        {
            ManualTimer? tick;
            lock (gate)
            {
                if (timers.Any(t => t.Due is not null && t.Period == Timeout.InfiniteTimeSpan))
                    return true;

                tick = timers.Where(t => t.Due is not null).MinBy(t => t.Due);
                if (tick is null)
                    return false;

                now = tick.Due!.Value;
                tick.Due = now + tick.Period;
            }

            tick.Fire();
            return false;
        });

    /// <summary>Waits for the next one-shot delay, and returns those that are pending.</summary>
    public Task<IReadOnlyList<TimeSpan>> WaitForDelayAsync() =>
        Eventually.GetAsync(() => Delays is { Count: > 0 } delays ? delays : null);

    /// <summary>Waits for the next one-shot delay, lets it pass, and returns its length.</summary>
    public async Task<TimeSpan> PassDelayAsync()
    {
        var delay = (await WaitForDelayAsync()).Min();
        Advance(delay);
        return delay;
    }

    private sealed class ManualTimer(ManualTime time, Action fire) : ITimer
    {
        public TimeSpan? Due { get; set; }
        public TimeSpan Period { get; private set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time.gate)
            {
                if (!time.timers.Contains(this))
                    time.timers.Add(this);
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : time.now + dueTime;
                Period = period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period;
            }
            return true;
        }

        public void Dispose()
        {
            lock (time.gate)
                time.timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
