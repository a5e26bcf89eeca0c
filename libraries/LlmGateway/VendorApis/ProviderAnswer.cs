using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.VendorApis;

/// <summary>
/// A provider's answer that can be awaited before it is read, so that an early refusal becomes an HTTP status.
/// </summary>
internal sealed class ProviderAnswer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop;
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    private Task<bool> _next;

    /// <param name="call">The request; the constructor sends it.</param>
    /// <param name="gone">Cancelled when the client disconnects.</param>
    /// <param name="stopping">Cancelled when the server stops.</param>
    public ProviderAnswer(ChatCall call, CancellationToken gone, CancellationToken stopping)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(gone, stopping);
        _updates = call.StreamAsync(_stop.Token).GetAsyncEnumerator(_stop.Token);
        _next = _updates.MoveNextAsync().AsTask();
    }

    /// <summary>Waits for the provider's first update, until the timeout.</summary>
    /// <exception cref="UpstreamException">The provider refused before the timeout.</exception>
    public async Task BeginAsync(TimeSpan timeout, TimeProvider clock)
    {
        try
        {
            await _next.WaitAsync(timeout, clock);
        }
        catch (TimeoutException) when (!_next.IsCompleted) { } // the model is still thinking
    }

    /// <summary>Reads the answer to its end; once only.</summary>
    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync()
    {
        // A provider may ignore its token.
        while (await _next.WaitAsync(_stop.Token))
        {
            yield return _updates.Current;
            _next = _updates.MoveNextAsync().AsTask();
        }
    }

    /// <summary>Cancels the request to the provider.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Ends the request to the provider, and waits for that if the provider has returned.</summary>
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
