namespace AspireSse.Server;

/// <summary>Shares a read among its callers, however many they are: one read runs at a time. Thread-safe.</summary>
/// <remarks>Needed only where many callers ask for the same costly read, as for StreamApi's list of
/// connections.</remarks>
/// <param name="clock">The clock.</param>
/// <param name="apart">Shortest time between the beginnings of two reads: a storm of callers shares one.</param>
public sealed class SharedRead<T>(TimeProvider clock, TimeSpan apart = default)
{
    /// <summary>Less than a second, so that a caller that asks once a second gets a new result each time.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(800);

    private readonly Lock _gate = new();

    /// <summary>The read that runs, or the last one.</summary>
    private Task<T>? _last;

    /// <summary>The read that begins after the last one.</summary>
    private Task<T>? _next;
    private long _begunAt;
    private long _endedAt;

    /// <summary>Returns the result of a read that begins after this call. Callers that wait share the next
    /// read.</summary>
    /// <param name="readAsync">Reads.</param>
    /// <param name="cancellationToken">Ends the wait, not the read.</param>
    public Task<T> NextAsync(Func<Task<T>> readAsync, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _next ??= ReadAfterAsync(_last ?? Task.CompletedTask, readAsync);
            return _next.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Returns the result, or the failure, of the read that runs or ended less than a second ago.</summary>
    /// <inheritdoc cref="NextAsync"/>
    public Task<T> RecentAsync(Func<Task<T>> readAsync, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            var isOver = _last is null || (_last.IsCompleted && clock.GetElapsedTime(_endedAt) >= MaxAge);
            return isOver ? NextAsync(readAsync, cancellationToken) : _last!.WaitAsync(cancellationToken);
        }
    }

    private async Task<T> ReadAfterAsync(Task before, Func<Task<T>> readAsync)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);

        if (apart - clock.GetElapsedTime(_begunAt) is var left && left > TimeSpan.Zero)
            await Task.Delay(left, clock);

        lock (_gate)
        {
            _last = _next;
            _next = null;
        }

        _begunAt = clock.GetTimestamp();

        try
        {
            return await readAsync();
        }
        finally
        {
            _endedAt = clock.GetTimestamp();
        }
    }
}
