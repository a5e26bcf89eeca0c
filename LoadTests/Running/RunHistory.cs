using System.Collections.Concurrent;
using System.Diagnostics;
using LoadTests.Chaos;
using LoadTests.Measuring;

namespace LoadTests.Running;

/// <summary>A quarter of a second: rates a second, latencies in milliseconds.</summary>
/// <param name="Until">Its end, since the run's begin.</param>
/// <param name="Delivered">Events received.</param>
/// <param name="Published">Events begun to be published.</param>
/// <param name="Acknowledged">Events acknowledged.</param>
/// <param name="Open">Streams that are open.</param>
/// <param name="Away">Streams that were cut off and are not back.</param>
/// <param name="KeptOut">Streams whose clients came, or came back by intention, and have not been let in for a
/// second.</param>
/// <param name="Stalled">Streams that are open, of a generation that says nothing.</param>
/// <param name="P50Ms">Of what was received in it.</param>
/// <param name="P99Ms">The same.</param>
/// <param name="IsPublishing">It is not after the last publish.</param>
internal sealed record HistoryWindow(
    TimeSpan Until,
    double Delivered,
    double Published,
    double Acknowledged,
    long Open,
    long Away,
    long KeptOut,
    long Stalled,
    double P50Ms,
    double P99Ms,
    bool IsPublishing
);

/// <summary>How the run went over time.</summary>
internal sealed class RunHistory(LoadRun run)
{
    public static readonly TimeSpan Window = TimeSpan.FromMilliseconds(250);
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly ConcurrentQueue<HistoryWindow> _windows = new();
    private LatencySnapshot _latency = run.Delivery.Snapshot();
    private (long Received, long Published, long Acknowledged, TimeSpan At) _last;

    public FaultLog Faults => run.Faults;
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);
    public IReadOnlyCollection<HistoryWindow> Windows => _windows;

    public HistoryWindow Take()
    {
        var (counters, latency, now) = (run.Counters, run.Delivery.Snapshot(), Elapsed);
        var since = latency.Since(_latency);
        var seconds = Math.Max(0.001, (now - _last.At).TotalSeconds);
        var (open, away, keptOut) = counters.Streams();
        // At the end of the run all leave, and nobody is missed. Looked at after the streams: who was seen to have left
        // had been told before.
        if (run.Reading.IsCancellationRequested)
            (open, away, keptOut) = (0, 0, 0);
        var window = new HistoryWindow(
            now,
            (run.Received - _last.Received) / seconds,
            (counters.Published - _last.Published) / seconds,
            (counters.Acknowledged - _last.Acknowledged) / seconds,
            open,
            away,
            keptOut,
            run.Generations?.Stalled ?? 0,
            since.Percentile(50),
            since.Percentile(99),
            run.IsPublishing
        );
        _windows.Enqueue(window);
        _latency = latency;
        _last = (run.Received, counters.Published, counters.Acknowledged, now);
        return window;
    }

    /// <summary>
    /// Deliveries for each event published, of late: each client that is there gets each event that is for it. 0, which
    /// nothing falls below, of generations:
    /// their tokens are joined as it happens, and each of their readers is looked at instead.
    /// </summary>
    public double Normal()
    {
        var recent = _windows.Where(w => w.Until > Elapsed - TimeSpan.FromSeconds(3)).ToList();
        return run.Generations is null && recent.Sum(w => w.Published) is > 0 and var published
            ? recent.Sum(w => w.Delivered) / published
            : 0;
    }

    /// <summary>The most clients that were cut off at a time since the fault.</summary>
    public long CutOff(TimeSpan fault) =>
        _windows.Where(w => w.Until > fault).Select(w => w.Away).DefaultIfEmpty(0).Max();

    /// <inheritdoc cref="Recovery"/>
    public Recovery RecoveredAfter(TimeSpan fault, double normal) => Recovery.After(_windows, fault, normal);
}
