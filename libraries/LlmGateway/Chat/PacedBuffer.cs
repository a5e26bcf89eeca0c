using System.Threading.Channels;

namespace LlmGateway.Chat;

/// <summary>
/// A buffer of tokens between provider and reader. At 80 tokens it pauses the provider, by no longer reading from it,
/// until the reader has taken all but 30.
/// </summary>
internal sealed class PacedBuffer
{
    public const int Capacity = 100,
        High = 80,
        Low = 30;

    private readonly Channel<string> _items = Channel.CreateUnbounded<string>();
    private readonly Lock _gate = new();

    /// <summary>Completes when the pause ends. Null if the provider is not paused.</summary>
    private volatile TaskCompletionSource? _pause;

    public int Count => _items.Reader.Count;

    public bool IsPaused => _pause is not null;

    /// <summary>Adds a token, and returns when the provider is not paused.</summary>
    public Task PutAsync(string item, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _items.Writer.TryWrite(item);
            if (Count >= High)
                _pause ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _pause?.Task.WaitAsync(cancellationToken) ?? Task.CompletedTask;
        }
    }

    /// <summary>Takes the next token, waiting for it. Null after the last. For one reader.</summary>
    public async Task<string?> TakeAsync(CancellationToken cancellationToken)
    {
        if (!await _items.Reader.WaitToReadAsync(cancellationToken))
            return null;

        lock (_gate)
        {
            _items.Reader.TryRead(out var item);

            if (Count <= Low)
            {
                _pause?.SetResult();
                _pause = null;
            }

            return item;
        }
    }

    public void Complete() => _items.Writer.TryComplete();
}
