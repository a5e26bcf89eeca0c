namespace StreamApi.Connections;

/// <summary>
/// Shares expensive reads among callers, however many there are: one read runs at a time. Thread-safe.
/// </summary>
/// <param name="recent">Minimum age of a read that is not shared any more.</param>
/// <param name="clock">The clock.</param>
internal sealed class SharedReads<T>(TimeSpan recent, TimeProvider clock)
{
    /// <summary>Pause after a read as a multiple of its work, so that shared reads take a tenth of the time.</summary>
    private const int PauseFactor = 9;

    private readonly Lock _gate = new();
    private Task<T>? _latest,
        _next;
    private Task _reading = Task.CompletedTask;
    private TimeSpan _worked;
    private long _readAt;

    /// <summary>Reads after this call. Callers that wait share the next read.</summary>
    /// <param name="readAsync">Reads, and measures the work.</param>
    /// <param name="cancellationToken">Ends the wait, not the read.</param>
    public Task<T> NewAsync(Func<Task<(T Result, TimeSpan Worked)>> readAsync, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_next is null)
            {
                _next = ReadAfterAsync(_reading, readAsync);
                _reading = _next;
            }
            return _next.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Returns a recent read that callers share; an older one if a read is much work.</summary>
    /// <inheritdoc cref="NewAsync"/>
    public Task<T> RecentAsync(Func<Task<(T Result, TimeSpan Worked)>> readAsync, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var pause = TimeSpan.FromTicks(Math.Max(recent.Ticks, PauseFactor * _worked.Ticks));
            var isOver =
                _latest is null || _latest.IsFaulted || (_latest.IsCompleted && clock.GetElapsedTime(_readAt) >= pause);
            if (isOver)
                _latest = NewAsync(readAsync, CancellationToken.None);
            return _latest!.WaitAsync(cancellationToken);
        }
    }

    private async Task<T> ReadAfterAsync(Task before, Func<Task<(T Result, TimeSpan Worked)>> readAsync)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        lock (_gate)
            _next = null;
        var (result, worked) = await readAsync();
        lock (_gate)
            (_worked, _readAt) = (worked, clock.GetTimestamp());
        return result;
    }
}
