using System.Collections.Concurrent;
using System.Diagnostics;
using LoadTests.Measuring;

namespace LoadTests.Running;

/// <summary>A quarter of a second: rates a second, latencies in milliseconds.</summary>
internal sealed record HistoryWindow(TimeSpan Until, double Delivered, double Published, double Acknowledged, long Open, double P50Ms, double P99Ms);

/// <summary>How the run went over time.</summary>
internal sealed class RunHistory(LoadRun run)
{
    public static readonly TimeSpan Window = TimeSpan.FromMilliseconds(250);
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly ConcurrentQueue<HistoryWindow> _windows = new();
    private LatencySnapshot _latency = run.Delivery.Snapshot();
    private (long Received, long Published, long Acknowledged, TimeSpan At) _last;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);
    public IReadOnlyCollection<HistoryWindow> Windows => _windows;

    public HistoryWindow Take()
    {
        var (counters, latency, now) = (run.Counters, run.Delivery.Snapshot(), Elapsed);
        var since = latency.Since(_latency);
        var seconds = Math.Max(0.001, (now - _last.At).TotalSeconds);
        var window = new HistoryWindow(now, (run.Received - _last.Received) / seconds, (counters.Published - _last.Published) / seconds,
            (counters.Acknowledged - _last.Acknowledged) / seconds, counters.Open, since.Percentile(50), since.Percentile(99));
        _windows.Enqueue(window);
        _latency = latency;
        _last = (run.Received, counters.Published, counters.Acknowledged, now);
        return window;
    }

    /// <summary>Deliveries for each event published, of late: each client that is there gets each event that is for it.</summary>
    public double Normal()
    {
        var recent = _windows.Where(w => w.Until > Elapsed - TimeSpan.FromSeconds(3)).ToList();
        return recent.Sum(w => w.Published) is > 0 and var published ? recent.Sum(w => w.Delivered) / published : 0;
    }

    /// <summary>
    /// From the fault to the end of the last second in which fewer than half of the deliveries came, or fewer than half of the publishes were
    /// acknowledged, or the median exceeded a second; null where that did not end. Zero where there was none.
    /// </summary>
    public TimeSpan? RecoveredAfter(TimeSpan fault, double normal)
    {
        var after = _windows.Where(w => w.Until > fault).Chunk(4).Where(second => second.Length == 4 && second.Sum(w => w.Published) > 0).ToList();
        var bad = after.FindLastIndex(second => second.Sum(w => w.Delivered) < 0.5 * normal * second.Sum(w => w.Published)
            || second.Sum(w => w.Acknowledged) < 0.5 * second.Sum(w => w.Published) || second.Max(w => w.P50Ms) > 1_000);
        if (bad < 0) return TimeSpan.Zero;
        return bad == after.Count - 1 ? null : after[bad][^1].Until - fault;
    }
}
