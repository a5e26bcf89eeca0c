using Microsoft.Extensions.AI;

namespace LlmGateway;

/// <summary>
/// A provider's answer to one request of a vendor's client. It may be waited for before it is read, and be given up at
/// any time.
/// </summary>
internal sealed class ProviderAnswer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    private Task<bool> _next;

    /// <param name="call">The request; it is sent at once.</param>
    /// <param name="gone">Cancelled when nobody wants the answer any more.</param>
    /// <param name="stopping">Cancelled when the server stops.</param>
    public ProviderAnswer(ChatCall call, CancellationToken gone, CancellationToken stopping)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(gone, stopping);
        _updates = call.StreamAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        _next = _updates.MoveNextAsync().AsTask();
    }

    /// <summary>The provider has said something, or ended.</summary>
    public bool HasBegun => _next.IsCompletedSuccessfully;

    /// <summary>Waits for the provider's first word, but not for long.</summary>
    /// <exception cref="Providers.UpstreamException">It has refused by then.</exception>
    public async Task BeginAsync(TimeSpan patience, TimeProvider clock)
    {
        try
        {
            await _next.WaitAsync(patience, clock);
        }
        catch (TimeoutException) when (!_next.IsCompleted)
        { /* it thinks */
        }
    }

    /// <summary>Reads the answer to its end. One reader, once.</summary>
    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync()
    {
        while (await _next)
        {
            yield return _updates.Current;
            _next = _updates.MoveNextAsync().AsTask();
        }
    }

    /// <summary>Gives it up.</summary>
    public void Stop() => _stop.Cancel();

    public async ValueTask DisposeAsync()
    {
        // An iterator must not be left in mid-step.
        await _stop.CancelAsync();
        await ((Task)_next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _updates.DisposeAsync();
        _stop.Dispose();
    }
}
