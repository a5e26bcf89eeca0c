using EventStore;

namespace LlmGateway.Generations;

/// <summary>
/// Schedules one flush for all runs of this replica, so that one commit and one relay message carry the tokens of all
/// runs.
/// </summary>
/// <remarks>
/// Thread-safe. A flush follows at once if the last flush is an interval ago. The interval grows with the number of
/// live runs.
/// </remarks>
internal sealed class FlushScheduler : IDisposable
{
    /// <summary>Number of live runs above which the interval grows in proportion, so that the store's load stays
    /// constant.</summary>
    private const double WidensFrom = 40;

    private readonly int _milliseconds;
    private readonly Func<int> _liveRuns;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private TaskCompletionSource? _next;
    private long? _last;

    /// <param name="milliseconds">The interval while few runs are live.</param>
    /// <param name="liveRuns">Returns the number of live runs.</param>
    /// <param name="clock">Measures the interval.</param>
    public FlushScheduler(int milliseconds, Func<int> liveRuns, TimeProvider clock)
    {
        _milliseconds = milliseconds;
        _liveRuns = liveRuns;
        _clock = clock;

        using var apart = CallerContext.Suppress();
        _timer = clock.CreateTimer(
            static scheduler => ((FlushScheduler)scheduler!).Flush(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    private double IntervalMilliseconds =>
        Math.Min(_milliseconds * Math.Max(1, _liveRuns() / WidensFrom), LlmOptions.MaxCoalesceMilliseconds);

    /// <summary>Completes at the next flush, or at once if a flush is due.</summary>
    public Task NextAsync()
    {
        lock (_gate)
        {
            if (_next is not null)
                return _next.Task;

            var remaining = _last is { } last
                ? TimeSpan.FromMilliseconds(IntervalMilliseconds) - _clock.GetElapsedTime(last)
                : TimeSpan.Zero;
            if (remaining <= TimeSpan.Zero)
            {
                _last = _clock.GetTimestamp();
                return Task.CompletedTask;
            }

            _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _timer.Change(remaining, Timeout.InfiniteTimeSpan);
            return _next.Task;
        }
    }

    private void Flush()
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            waiting = _next;
            _next = null;
            _last = _clock.GetTimestamp();
        }

        waiting?.SetResult();
    }

    public void Dispose()
    {
        _timer.Dispose();
        Flush();
    }
}
