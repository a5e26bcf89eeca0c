using System.Runtime.CompilerServices;
using LlmGateway.Telemetry;

namespace LlmGateway.Providers;

/// <summary>
/// Records one span and one set of measurements per answer, including the time in the provider's queue. An unexpected
/// failure is logged, and becomes an <see cref="UpstreamException"/>, so that each API reports it in its own format.
/// </summary>
internal sealed class TelemetryChatClient(IChatClient inner, ModelProvider provider, ChatMetrics metrics)
    : StreamedChatClient
{
    private readonly ModelNames _names = new(provider.Options.Models);

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var answer = new AnswerMeasurement(provider, _names, options, metrics);
        answer.Begin(messages);
        await using var updates = inner
            .GetStreamingResponseAsync(messages, options, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);

        while (true)
        {
            try
            {
                if (!await updates.MoveNextAsync())
                    break;
            }
            catch (Exception e) when (!(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
            {
                answer.Fail(e);
                if (e is UpstreamException)
                    throw;

                provider.Logger.LogError(e, "The request to {Provider} failed", provider.Name);
                throw new UpstreamException(
                    502,
                    "upstream",
                    $"The request to {provider.Name} failed in this server. Its log has the reason.",
                    inner: e
                );
            }

            answer.Add(updates.Current);
            yield return updates.Current;
        }

        answer.Complete();
    }
}
