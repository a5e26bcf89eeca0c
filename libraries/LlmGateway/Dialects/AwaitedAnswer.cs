using EventStore;

namespace LlmGateway.Dialects;

/// <summary>
/// An answer of a provider, or of a run, that can be awaited before it is read, so that an early refusal becomes an
/// HTTP status.
/// </summary>
internal sealed class AwaitedAnswer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    private Task<bool> _next;

    /// <param name="read">Reads the answer. The constructor begins this read.</param>
    /// <param name="gone">Cancelled when the client disconnects.</param>
    /// <param name="stopping">Cancelled when the server stops.</param>
    public AwaitedAnswer(
        Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> read,
        CancellationToken gone,
        CancellationToken stopping
    )
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(gone, stopping);
        _updates = read(_stop.Token).GetAsyncEnumerator(_stop.Token);
        _next = _updates.MoveNextAsync().AsTask();
    }

    /// <summary>Waits for the first update, until the timeout.</summary>
    /// <exception cref="UpstreamException">The provider refused before the timeout.</exception>
    public async Task BeginAsync(TimeSpan timeout, TimeProvider clock)
    {
        if (await _next.EndsWithinAsync(timeout, clock))
            await _next;
    }

    /// <summary>Reads the answer to its end. It can be called only once.</summary>
    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync()
    {
        // A provider may ignore its cancellation token.
        while (await _next.WaitAsync(_stop.Token))
        {
            yield return _updates.Current;
            _next = _updates.MoveNextAsync().AsTask();
        }
    }

    /// <summary>Cancels the request to the provider, or the read of the run.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Ends the answer. It waits for the end only if no read of the provider is under way.</summary>
    public ValueTask DisposeAsync()
    {
        var hasReturned = _next.IsCompleted;
        var ending = EndAsync();
        return hasReturned ? new ValueTask(ending) : default;
    }

    private async Task EndAsync()
    {
        // An async iterator must not be disposed of while it runs.
        await _stop.CancelAsync();
        await ((Task)_next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _updates.DisposeAsync();
        _stop.Dispose();
    }
}
