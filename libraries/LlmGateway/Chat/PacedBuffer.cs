namespace LlmGateway.Chat;

/// <summary>
/// A buffer of at most 100 tokens between provider and reader. At 80 it pauses the provider, by no longer reading it,
/// until the reader has brought it down to 30.
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

    /// <summary>Adds a token; returns when the buffer is not paused.</summary>
    public async Task PutAsync(string item, CancellationToken cancellationToken)
    {
        lock (_items)
        {
            _items.Enqueue(item);
            _paused |= _items.Count >= High;
            SignalChange();
        }
        while (PausedUntil() is { } changed)
            await changed.WaitAsync(cancellationToken);

        Task? PausedUntil()
        {
            lock (_items)
                return _paused ? _changed.Task : null;
        }
    }

    /// <summary>Takes the next token, waiting for it; null after the last.</summary>
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
                    SignalChange();
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
            SignalChange();
        }
    }

    private void SignalChange()
    {
        var changed = _changed;
        _changed = New();
        changed.SetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
