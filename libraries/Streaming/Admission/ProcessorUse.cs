namespace Streaming.Admission;

/// <summary>Says whether this process is at the limit of its machine. Thread-safe.</summary>
/// <param name="clock">The clock.</param>
/// <param name="used">Processor time that the process has used so far; null: this process's.</param>
internal sealed class ProcessorUse(TimeProvider clock, Func<TimeSpan>? used = null)
{
    /// <summary>Part of all processors from which on work that can wait has to rest. The other half is for what cannot,
    /// in this process or in a store on the same machine.</summary>
    private const double High = 0.5;

    /// <summary>Time over which the use is measured. A shorter one would be few ticks of the kernel's clock.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Func<TimeSpan> _used = used ?? (static () => Environment.CpuUsage.TotalTime);
    private readonly Lock _gate = new();
    private long _measuredAt = clock.GetTimestamp();
    private TimeSpan _usedThen;
    private bool _isHigh;

    public bool IsHigh
    {
        get
        {
            lock (_gate)
            {
                var passed = clock.GetElapsedTime(_measuredAt);
                if (passed < Interval)
                    return _isHigh;

                var now = _used();
                _isHigh = now - _usedThen > High * Environment.ProcessorCount * passed;
                _usedThen = now;
                _measuredAt = clock.GetTimestamp();
                return _isHigh;
            }
        }
    }
}
