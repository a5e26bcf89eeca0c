using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>
/// Grants a limited number of turns, to the waiting clients in rotation. A client with hundreds of requests delays only
/// itself; the others wait for at most one turn. Thread-safe.
/// </summary>
internal sealed class FairQueue(int turns, int maxWaitingPerClient, WorkShare share)
{
    private readonly Lock _gate = new();
    private readonly Rotation<TaskCompletionSource> _waiting = new();
    private int _free = turns;
    private bool _isPaused;

    /// <summary>Waits for a turn; dispose it to return it. Without a time limit it always gets one.</summary>
    /// <exception cref="TimeoutException">No turn became free in time, or too many requests of this client
    /// wait.</exception>
    public async Task<IDisposable> EnterAsync(string client, TimeSpan limit, CancellationToken cancellationToken)
    {
        TaskCompletionSource mine;
        lock (_gate)
        {
            if (_free > 0 && _waiting.IsEmpty && share.Pause == TimeSpan.Zero)
            {
                _free--;
                return new Turn(this);
            }
            if (limit != Timeout.InfiniteTimeSpan && _waiting.CountOf(client) >= maxWaitingPerClient)
                throw new TimeoutException("Too many requests of this client wait for a turn.");
            mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add(client, mine);
            GiveTurns();
        }
        try
        {
            await mine.Task.WaitAsync(limit, share.Clock, cancellationToken);
        }
        catch
        {
            Withdraw(client, mine);
            throw;
        }
        return new Turn(this);
    }

    /// <summary>Ends a wait: it counts no longer, and a turn that was granted meanwhile is passed on.</summary>
    private void Withdraw(string client, TaskCompletionSource waiter)
    {
        lock (_gate)
            if (_waiting.Remove(client, waiter))
                return;

        Leave();
    }

    private void Leave()
    {
        lock (_gate)
        {
            _free++;
            GiveTurns();
        }
    }

    /// <summary>Grants the free turns to waiting clients, now or once the share allows it.</summary>
    private void GiveTurns()
    {
        while (_free > 0 && !_isPaused && !_waiting.IsEmpty)
        {
            if (share.Pause is var pause && pause > TimeSpan.Zero)
            {
                _isPaused = true;
                _ = PauseAsync(pause);
                return;
            }
            var (next, client) = _waiting.Next()!.Value;
            _waiting.Remove(client, next);
            _free--;
            next.SetResult();
        }
    }

    private async Task PauseAsync(TimeSpan pause)
    {
        // Rounds up to milliseconds, the resolution of timers.
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)), share.Clock);
        lock (_gate)
        {
            _isPaused = false;
            GiveTurns();
        }
    }

    private sealed class Turn(FairQueue queue) : IDisposable
    {
        private readonly long _started = queue.Start();
        private FairQueue? _queue = queue;

        public void Dispose() => Interlocked.Exchange(ref _queue, null)?.End(_started);
    }

    private long Start() => share.Clock.GetTimestamp();

    private void End(long started)
    {
        share.Add(share.Clock.GetElapsedTime(started));
        Leave();
    }
}
