namespace EventStore;

/// <summary>Waits for a task until a limit.</summary>
internal static class TimedWait
{
    /// <summary>Returns true once the task has ended, in whatever way, and false at the limit or the cancellation. The
    /// task may end between the timer and the answer, so the task itself decides.</summary>
    public static async Task<bool> EndsWithinAsync(
        this Task task,
        TimeSpan limit,
        TimeProvider clock,
        CancellationToken cancellationToken = default
    )
    {
        await task.WaitAsync(limit, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return task.IsCompleted;
    }
}
