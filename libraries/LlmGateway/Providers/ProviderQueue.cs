using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>
/// Limits the concurrent requests to one provider, and the part of them that one client has. Further requests wait in a
/// bounded queue; it refuses when it is full.
/// </summary>
internal sealed class ProviderQueue(IChatClient inner, string provider, ProviderOptions options, TimeProvider clock)
    : DelegatingChatClient(inner)
{
    private readonly ProviderPlaces _places = new(
        options.MaxConcurrent,
        options.MaxQueue,
        options.ClientPercent ?? 100
    );

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var client = ProviderClient.Of(options);
        await EnterAsync(client, ProviderDelay.Callback(options), cancellationToken);
        try
        {
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
                yield return update;
        }
        finally
        {
            _places.Leave(client);
        }
    }

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    private async Task EnterAsync(string client, Action<ProviderDelay>? onDelay, CancellationToken cancellationToken)
    {
        var place =
            _places.Enter(client)
            ?? throw new UpstreamException(
                429,
                "busy",
                $"The queue for {provider}, or your share of it, is full: {options.MaxConcurrent} requests run, "
                    + $"{options.MaxQueue} wait. Try again in some seconds.",
                TimeSpan.FromSeconds(2)
            );
        if (place.Task.IsCompleted)
            return;
        try
        {
            onDelay?.Invoke(new ProviderDelay("queued", "busy"));
            await place.Task.WaitAsync(TimeSpan.FromSeconds(options.QueueSeconds), clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            _places.Withdraw(client, place);
            throw new UpstreamException(
                503,
                "busy",
                $"The request waited {options.QueueSeconds} s in the queue for {provider}. "
                    + "Try again in some seconds.",
                TimeSpan.FromSeconds(5)
            );
        }
        catch
        {
            _places.Withdraw(client, place);
            throw;
        }
    }
}
