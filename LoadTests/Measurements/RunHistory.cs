using System.Collections.Concurrent;
using System.Diagnostics;
using Measuring;

namespace LoadTests.Measurements;

/// <summary>The counters of a quarter of a second. Rates are a second, latencies in milliseconds.</summary>
/// <param name="Until">The window's end, since the start of the run.</param>
/// <param name="Delivered">Events received.</param>
/// <param name="Published">Events whose publishing began.</param>
/// <param name="Acknowledged">Events acknowledged.</param>
/// <param name="Open">Open streams.</param>
/// <param name="Disconnected">Streams that were disconnected and are not back.</param>
/// <param name="Waiting">Streams that have waited longer than a second to be accepted.</param>
/// <param name="Stalled">Open streams of a generation that sends nothing.</param>
/// <param name="P50Ms">Median delivery latency.</param>
/// <param name="P99Ms">99th percentile of the delivery latency.</param>
/// <param name="IsPublishing">False after the last publish.</param>
internal sealed record HistoryWindow(
    TimeSpan Until,
    double Delivered,
    double Published,
    double Acknowledged,
    long Open,
    long Disconnected,
    long Waiting,
    long Stalled,
    double P50Ms,
    double P99Ms,
    bool IsPublishing
);

/// <summary>The windows of a run, in time order.</summary>
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

    /// <summary>True once an event was received, and always for generations.</summary>
    public bool HasDeliveries => run.Generations is not null || run.Received > 0;

    public HistoryWindow AddWindow()
    {
        var counters = run.Counters;
        var latency = run.Delivery.Snapshot();
        var now = Elapsed;
        var since = latency.Since(_latency);
        var seconds = Math.Max(0.001, (now - _last.At).TotalSeconds);

        var (open, disconnected, waiting) = counters.Streams();

        // At the end of the run all clients leave and none is missing.
        // Checked after the streams, so that a departure is not counted.
        if (run.Reading.IsCancellationRequested)
        {
            open = 0;
            disconnected = 0;
            waiting = 0;
        }

        var window = new HistoryWindow(
            now,
            (run.Received - _last.Received) / seconds,
            (counters.Published - _last.Published) / seconds,
            (counters.Acknowledged - _last.Acknowledged) / seconds,
            open,
            disconnected,
            waiting,
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
    /// Returns the recent deliveries for each published event. 0 for generations, which disables the check: their
    /// tokens coalesce irregularly, so each of their readers is watched instead.
    /// </summary>
    public double DeliveriesPerEvent()
    {
        var recent = _windows.Where(w => w.Until > Elapsed - TimeSpan.FromSeconds(3)).ToList();
        return run.Generations is null && recent.Sum(w => w.Published) is > 0 and var published
            ? recent.Sum(w => w.Delivered) / published
            : 0;
    }

    /// <summary>Returns the largest number of clients that were disconnected at one time since the fault.</summary>
    public long CutOff(TimeSpan fault) =>
        _windows.Where(w => w.Until > fault).Select(w => w.Disconnected).DefaultIfEmpty(0).Max();

    /// <inheritdoc cref="Recovery"/>
    /// <remarks>Unknown if nothing was delivered before the fault, because nothing tells then how much should be.
    /// </remarks>
    public Recovery RecoveryFrom(TimeSpan fault, double normal) =>
        normal == 0 && run.Generations is null
            ? new Recovery(Took: null, IsKnown: false)
            : Recovery.After(_windows, fault, normal);
}
