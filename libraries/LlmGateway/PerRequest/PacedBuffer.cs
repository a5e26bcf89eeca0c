namespace LlmGateway.PerRequest;

/// <summary>
/// Between provider and reader: at most 100 tokens. At 80 it is paused, and a writer waits until the reader has taken
/// it down to 30; so the
/// provider is not read in the meantime, and its own socket fills.
/// </summary>
internal sealed class PacedBuffer
{
    public const int Capacity = 100,
        High = 80,
        Low = 30;

    private readonly Queue<string> _items = new(Capacity);
    private TaskCompletionSource _changed = New();
    private bool _paused,
        _complete;

    public int Count
    {
        get
        {
            lock (_items)
                return _items.Count;
        }
    }

    public bool IsPaused
    {
        get
        {
            lock (_items)
                return _paused;
        }
    }

    /// <summary>Puts one in; returns when the next may be read.</summary>
    public async Task PutAsync(string item, CancellationToken cancellationToken)
    {
        lock (_items)
        {
            _items.Enqueue(item);
            _paused |= _items.Count >= High;
            Changed();
        }
        while (Wait() is { } changed)
            await changed.WaitAsync(cancellationToken);

        Task? Wait()
        {
            lock (_items)
                return _paused ? _changed.Task : null;
        }
    }

    /// <summary>The next, once there is one; null after the last.</summary>
    public async Task<string?> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_items)
            {
                if (_items.TryDequeue(out var item))
                {
                    _paused &= _items.Count > Low;
                    Changed();
                    return item;
                }
                if (_complete)
                    return null;
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancellationToken);
        }
    }

    public void Complete()
    {
        lock (_items)
        {
            _complete = true;
            Changed();
        }
    }

    private void Changed()
    {
        var changed = _changed;
        _changed = New();
        changed.SetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
