namespace LlmGateway.Generations;

/// <summary>
/// When tokens that wait are stored: all runs of this replica on one beat, so that one commit, one notification and one
/// relay carry what all
/// of them have. A token waits for the next beat, half the time between two on average, the whole of it at most. Where
/// the last beat is
/// that long ago it comes at once: few runs, or slow ones, are not joined at all.
/// </summary>
/// <remarks>Thread-safe. The time between two beats grows with the runs, so that more answers do not mean more
/// events.</remarks>
internal sealed class FlushScheduler : IDisposable
{
    private readonly LlmOptions _options;
    private readonly Func<int> _runs;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private TaskCompletionSource? _next;
    private long? _last;

    /// <param name="options">Times.</param>
    /// <param name="runs">How many runs there are now.</param>
    /// <param name="clock">The clock.</param>
    public FlushScheduler(LlmOptions options, Func<int> runs, TimeProvider clock)
    {
        (_options, _runs, _clock) = (options, runs, clock);
        _timer = clock.CreateTimer(
            static scheduler => ((FlushScheduler)scheduler!).Flush(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    private double Milliseconds =>
        Math.Min(
            _options.CoalesceMilliseconds * Math.Max(1.0, (double)_runs() / _options.CoalesceWidensFrom),
            Math.Max(_options.CoalesceMaxMilliseconds, _options.CoalesceMilliseconds)
        );

    /// <summary>Completes when what waits may go.</summary>
    public Task NextAsync()
    {
        lock (_gate)
        {
            if (_next is not null)
                return _next.Task;
            var rest = _last is { } last
                ? TimeSpan.FromMilliseconds(Milliseconds) - _clock.GetElapsedTime(last)
                : TimeSpan.Zero;
            if (rest <= TimeSpan.Zero)
            {
                _last = _clock.GetTimestamp();
                return Task.CompletedTask;
            }
            _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _timer.Change(rest, Timeout.InfiniteTimeSpan);
            return _next.Task;
        }
    }

    private void Flush()
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            (waiting, _next) = (_next, null);
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
