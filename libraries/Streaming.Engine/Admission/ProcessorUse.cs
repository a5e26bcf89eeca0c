using System.Globalization;

namespace Streaming.Admission;

/// <summary>Measures processors in use: by the machine, since the store may run on it, and by this process, which may
/// be allowed less than the machine has. Thread-safe.</summary>
/// <param name="used">Processor time used so far, or null for that of the machine and of this process.</param>
internal sealed class ProcessorUse(TimeProvider clock, Func<TimeSpan>? used = null)
{
    /// <summary>Use of the processors above which work that can wait pauses: half of them is for work that cannot
    /// wait.</summary>
    private const double High = 0.5;

    /// <summary>Ticks of a second in /proc/stat (USER_HZ, proc(5)).</summary>
    private const int TicksPerSecond = 100;

    /// <summary>Time over which the use is measured. A shorter time would have too few ticks.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly Func<TimeSpan>[] _used = used is null ? [OfProcess, OfMachine] : [used];
    private readonly TimeSpan[] _usedThen = new TimeSpan[2];
    private readonly Lock _gate = new();
    private long _measuredAt = clock.GetTimestamp();
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

                _isHigh = false;

                for (var i = 0; i < _used.Length; i++)
                {
                    var now = _used[i]();
                    _isHigh |= now - _usedThen[i] > High * Environment.ProcessorCount * passed;
                    _usedThen[i] = now;
                }

                _measuredAt = clock.GetTimestamp();
                return _isHigh;
            }
        }
    }

    private static TimeSpan OfProcess() => Environment.CpuUsage.TotalTime;

    /// <summary>The first three numbers of /proc/stat: user, nice and system. Zero on other systems.</summary>
    private static TimeSpan OfMachine()
    {
        if (!OperatingSystem.IsLinux())
            return TimeSpan.Zero;

        using var stat = File.OpenText("/proc/stat");
        var cells = stat.ReadLine()!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var ticks = cells[1..4].Sum(cell => long.Parse(cell, CultureInfo.InvariantCulture));

        return TimeSpan.FromSeconds((double)ticks / TicksPerSecond);
    }
}
