using System.Runtime.CompilerServices;

namespace LlmGateway.Providers;

/// <summary>
/// Limits the concurrent requests to one provider, and the part of them that one client has. Further requests wait in a
/// bounded queue, and are refused when the queue is full.
/// </summary>
internal sealed class ProviderQueue(IChatClient inner, ModelProvider provider) : StreamedChatClient
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(1);

    private readonly FairGate _places = new(
        $"requests to {provider.Name}",
        provider.Options.MaxConcurrent,
        provider.Options.MaxQueue,
        provider.Clock
    );

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var place = await EnterAsync(options as CallOptions ?? new CallOptions(), cancellationToken);

        await foreach (var update in inner.GetStreamingResponseAsync(messages, options, cancellationToken))
            yield return update;
    }

    private async Task<IDisposable> EnterAsync(CallOptions call, CancellationToken cancellationToken)
    {
        try
        {
            var place = _places.EnterAsync(call.Client, MaxWait, cancellationToken);
            if (!place.IsCompleted)
                call.OnDelay?.Invoke(new DelayNotice("queued", "busy"));
            return await place;
        }
        catch (RefusedException e)
        {
            throw new UpstreamException(
                e.Status,
                "busy",
                $"{e.Message} {provider.Options.MaxConcurrent} run at once. Try again in some seconds.",
                e.RetryAfter
            );
        }
    }
}
