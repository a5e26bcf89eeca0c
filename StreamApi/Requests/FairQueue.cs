namespace StreamApi.Requests;

/// <summary>
/// Hands out a few turns at once, to each waiting client in rotation: a client that asks hundreds of times at once
/// waits for itself, the others for one turn at most. Thread-safe.
/// </summary>
internal sealed class FairQueue(int turns, int mostWaitingOfClient, WorkShare share)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Queue<TaskCompletionSource>> _waiting = new(StringComparer.Ordinal);
    private readonly Queue<string> _rotation = [];
    private int _free = turns;
    private bool _rests;

    /// <summary>Waits for a turn. Dispose it to give it back.</summary>
    /// <exception cref="TimeoutException">No turn came in time, or too many requests of this client wait.</exception>
    public async Task<IDisposable> EnterAsync(string client, TimeSpan limit, CancellationToken cancellationToken)
    {
        TaskCompletionSource mine;
        lock (_gate)
        {
            if (_free > 0 && _rotation.Count == 0 && share.Pause == TimeSpan.Zero)
            {
                _free--;
                return new Turn(this);
            }
            if (!_waiting.TryGetValue(client, out var queue))
            {
                _waiting[client] = queue = [];
                _rotation.Enqueue(client);
            }
            if (queue.Count >= mostWaitingOfClient)
                throw new TimeoutException("Too many requests of this client wait.");
            queue.Enqueue(mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            GiveTurns();
        }
        try
        {
            await mine.Task.WaitAsync(limit, share.Clock, cancellationToken);
        }
        catch
        {
            // A turn that was given meanwhile goes to the next.
            if (!mine.TrySetCanceled(CancellationToken.None))
                Leave();
            throw;
        }
        return new Turn(this);
    }

    private void Leave()
    {
        lock (_gate)
        {
            _free++;
            GiveTurns();
        }
    }

    /// <summary>Gives the free turns to those who wait, now or once the share allows it.</summary>
    private void GiveTurns()
    {
        while (_free > 0 && !_rests && _rotation.Count > 0)
        {
            if (share.Pause is var pause && pause > TimeSpan.Zero)
            {
                _rests = true;
                _ = RestAsync(pause);
                return;
            }
            var client = _rotation.Dequeue();
            var queue = _waiting[client];
            var next = queue.Dequeue();
            if (queue.Count > 0)
                _rotation.Enqueue(client);
            else
                _waiting.Remove(client);
            if (next.TrySetResult())
                _free--;
        }
    }

    private async Task RestAsync(TimeSpan pause)
    {
        // In whole milliseconds, as timers count: a fraction of one would be no pause at all.
        await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)), share.Clock);
        lock (_gate)
        {
            _rests = false;
            GiveTurns();
        }
    }

    private sealed class Turn(FairQueue queue) : IDisposable
    {
        private readonly long _begun = queue.Begin();
        private FairQueue? _queue = queue;

        public void Dispose() => Interlocked.Exchange(ref _queue, null)?.End(_begun);
    }

    private long Begin() => share.Clock.GetTimestamp();

    private void End(long begun)
    {
        share.Add(share.Clock.GetElapsedTime(begun));
        Leave();
    }
}
