namespace LlmGateway.Generations;

/// <summary>
/// Schedules one flush for all runs of this replica, so that one commit and one relay message carry the tokens of all
/// runs.
/// </summary>
/// <remarks>
/// Thread-safe. A flush follows at once if the last flush is an interval ago. The interval grows with the number of
/// live runs.
/// </remarks>
/// <param name="milliseconds">The interval while few runs are live.</param>
/// <param name="liveRuns">Returns the number of live runs.</param>
/// <param name="clock">Measures the interval.</param>
internal sealed class FlushScheduler(int milliseconds, Func<int> liveRuns, TimeProvider clock)
{
    /// <summary>Number of live runs above which the interval grows in proportion, so that the store's load stays
    /// constant.</summary>
    private const double WidensFrom = 40;

    private readonly Lock _gate = new();
    private TaskCompletionSource? _next;
    private long? _last;

    private double IntervalMilliseconds =>
        Math.Min(milliseconds * Math.Max(1, liveRuns() / WidensFrom), LlmOptions.MaxCoalesceMilliseconds);

    /// <summary>Completes at the next flush, or at once if a flush is due.</summary>
    public Task NextAsync()
    {
        lock (_gate)
        {
            if (_next is not null)
                return _next.Task;

            var remaining = _last is { } last
                ? TimeSpan.FromMilliseconds(IntervalMilliseconds) - clock.GetElapsedTime(last)
                : TimeSpan.Zero;
            if (remaining <= TimeSpan.Zero)
            {
                _last = clock.GetTimestamp();
                return Task.CompletedTask;
            }

            var next = _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            // Less than a millisecond is no delay, so the flush may be over already.
            _ = FlushAsync(next, remaining);
            return next.Task;
        }
    }

    private async Task FlushAsync(TaskCompletionSource next, TimeSpan remaining)
    {
        await Task.Delay(remaining, clock);
        lock (_gate)
        {
            _next = null;
            _last = clock.GetTimestamp();
        }

        next.SetResult();
    }
}
