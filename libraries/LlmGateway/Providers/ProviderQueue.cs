using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>Keeps the requests to one provider at once under its limit; some more wait, the rest are refused at
/// once.</summary>
internal sealed class ProviderQueue(IChatClient inner, string provider, ProviderOptions options)
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
        await EnterAsync(ProviderWait.Listener(options), cancellationToken);
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

    private async Task EnterAsync(Action<ProviderWait>? waits, CancellationToken cancellationToken)
    {
        if (_places.Wait(0, CancellationToken.None))
            return;
        try
        {
            if (Interlocked.Increment(ref _waiting) > options.MaxQueue)
                throw new UpstreamException(
                    429,
                    "busy",
                    $"{options.MaxConcurrent} requests to {provider} run and {options.MaxQueue} wait. Try again in some seconds.",
                    TimeSpan.FromSeconds(2)
                );
            waits?.Invoke(new ProviderWait("queued", "busy"));
            if (!await _places.WaitAsync(TimeSpan.FromSeconds(options.QueueSeconds), cancellationToken))
                throw new UpstreamException(
                    503,
                    "busy",
                    $"No place at {provider} came free for {options.QueueSeconds} s.",
                    TimeSpan.FromSeconds(5)
                );
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
