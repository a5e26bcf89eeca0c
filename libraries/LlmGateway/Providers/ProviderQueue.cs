using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>
/// Limits the concurrent requests to one provider. Further requests wait in a bounded queue; it refuses when it is
/// full.
/// </summary>
internal sealed class ProviderQueue(IChatClient inner, string provider, ProviderOptions options, TimeProvider clock)
    : DelegatingChatClient(inner)
{
    private readonly SemaphoreSlim _places = new(options.MaxConcurrent);
    private int _waiting;

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await EnterAsync(ProviderDelay.Callback(options), cancellationToken);
        try
        {
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
                yield return update;
        }
        finally
        {
            _places.Release();
        }
    }

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    private async Task EnterAsync(Action<ProviderDelay>? onDelay, CancellationToken cancellationToken)
    {
        if (_places.Wait(0, CancellationToken.None))
            return;
        try
        {
            if (Interlocked.Increment(ref _waiting) > options.MaxQueue)
                throw new UpstreamException(
                    429,
                    "busy",
                    $"The queue for {provider} is full: {options.MaxConcurrent} requests run, {options.MaxQueue} wait. "
                        + "Try again in some seconds.",
                    TimeSpan.FromSeconds(2)
                );
            onDelay?.Invoke(new ProviderDelay("queued", "busy"));
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(options.QueueSeconds), clock);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            try
            {
                await _places.WaitAsync(stop.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new UpstreamException(
                    503,
                    "busy",
                    $"The request waited {options.QueueSeconds} s in the queue for {provider}. "
                        + "Try again in some seconds.",
                    TimeSpan.FromSeconds(5)
                );
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _places.Dispose();
        base.Dispose(disposing);
    }
}
