namespace StreamApi.Connections;

/// <summary>
/// Shares expensive reads among callers, however many there are: one read runs at a time, and all of them take a tenth
/// of the time, or more if a caller would wait longer than two seconds for that. Thread-safe.
/// </summary>
/// <param name="recent">Minimum age of a read that is not shared any more.</param>
/// <param name="clock">The clock.</param>
internal sealed class SharedReads<T>(TimeSpan recent, TimeProvider clock)
{
    /// <summary>Pause after a read as a multiple of its work.</summary>
    private const int PauseFactor = 9;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private Task<T>? _latest,
        _next;
    private Task _reading = Task.CompletedTask;
    private TimeSpan _worked;
    private long _readAt;

    private TimeSpan Pause => PauseFactor * _worked;

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
            var pause = TimeSpan.FromTicks(Math.Max(recent.Ticks, Pause.Ticks));
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
        TimeSpan left;
        lock (_gate)
            left = (Pause < MaxWait ? Pause : MaxWait) - clock.GetElapsedTime(_readAt);
        if (left > TimeSpan.Zero)
            await Task.Delay(left, clock);
        lock (_gate)
            _next = null;
        var (result, worked) = await readAsync();
        lock (_gate)
            (_worked, _readAt, _latest) = (worked, clock.GetTimestamp(), Task.FromResult(result));
        return result;
    }
}
