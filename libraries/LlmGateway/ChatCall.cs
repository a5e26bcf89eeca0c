using System.Text.Json;
using LlmGateway.OpenAi;
using LlmGateway.Providers;
using LlmGateway.Providers.Demo;
using Microsoft.Extensions.AI;

namespace LlmGateway;

/// <summary>What is asked of whom.</summary>
internal sealed record ChatCall(ChatTarget Target, IList<ChatMessage> Messages, ChatOptions Options)
{
    private long? _inputTokens;

    /// <summary>
    /// Our own count of what is asked: the demo model's is the same, any other's is another. Counted once.
    /// </summary>
    public long InputTokens => _inputTokens ??= Messages.Sum(m => (long)DemoText.Count(m.Text));

    public IAsyncEnumerable<ChatResponseUpdate> StreamAsync(CancellationToken cancellationToken) =>
        Target.Client.GetStreamingResponseAsync(Messages, Options, cancellationToken);

    /// <summary>Reads <c>{messages, model?, provider?, max_tokens?}</c>, as <c>/sse/chat</c> and <c>/v1/generations</c>
    /// take it.</summary>
    /// <exception cref="InvalidChatException">What is wrong with which field.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers, LlmOptions limits)
    {
        var target = providers.Resolve(ChatBody.Name(body, "provider"), ChatBody.Name(body, "model"));
        var messages = OpenAiMessages.Read(body, limits);
        return new ChatCall(
            target,
            messages,
            new ChatOptions
            {
                ModelId = target.Model,
                MaxOutputTokens = ChatBody.Count(body, "max_tokens", "maxTokens", "max_completion_tokens"),
                Temperature = ChatBody.Number(body, "temperature", 2),
                TopP = ChatBody.Number(body, "top_p", 1),
            }
        );
    }
}
