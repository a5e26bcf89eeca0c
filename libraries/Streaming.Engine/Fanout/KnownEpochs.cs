using EventStore;

namespace Streaming.Fanout;

/// <summary>The epoch of a replica's rings, and the callers that wait for the next one: after a promotion another
/// replica may know it some milliseconds earlier. Thread-safe.</summary>
internal sealed class KnownEpochs(TimeProvider clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private Lineage _lineage = Lineage.Alone("");
    private TaskCompletionSource _next = New();

    public Lineage Lineage => Volatile.Read(ref _lineage);

    /// <summary>Raised, on any thread, when an unknown epoch is read: the feed may be behind the store.</summary>
    public event Action? Doubted;

    /// <summary>Called by <see cref="FilterRingRegistry"/>, under its lock.</summary>
    public void Set(Lineage lineage)
    {
        Volatile.Write(ref _lineage, lineage);
        Interlocked.Exchange(ref _next, New()).TrySetResult();
    }

    public void Saw(string epoch)
    {
        if (!Lineage.Knows(epoch))
            Doubted?.Invoke();
    }

    /// <summary>Waits for an epoch seen elsewhere; returns false if it does not come in time.</summary>
    public async ValueTask<bool> WaitForAsync(string epoch, TimeSpan limit, CancellationToken cancellationToken)
    {
        var begun = clock.GetTimestamp();
        while (true)
        {
            var next = Volatile.Read(ref _next).Task;
            if (Lineage.Knows(epoch))
                return true;
            if (clock.GetElapsedTime(begun) >= limit)
                return false;

            Doubted?.Invoke();
            // Raised again from time to time: the feed may just have read the former epoch.
            await Task.WhenAny(next, Task.Delay(Interval, clock, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
