using System.Text.Json;
using Microsoft.Extensions.AI;
using StreamApi.Chat.OpenAi;
using StreamApi.Chat.Providers;
using StreamApi.Chat.Providers.Demo;

namespace StreamApi.Chat;

/// <summary>What is asked of whom.</summary>
internal sealed record ChatCall(ChatTarget Target, IList<ChatMessage> Messages, ChatOptions Options)
{
    /// <summary>Our own count of what is asked: the demo model's is the same, any other's is another.</summary>
    public long InputTokens => Messages.Sum(m => (long)DemoText.Count(m.Text));

    public IAsyncEnumerable<ChatResponseUpdate> StreamAsync(CancellationToken cancellationToken) => Target.Client.GetStreamingResponseAsync(Messages, Options, cancellationToken);

    /// <summary>Reads <c>{messages, model?, provider?, max_tokens?}</c>, as <c>/sse/chat</c> and <c>/v1/generations</c> take it.</summary>
    /// <exception cref="InvalidChatException">What is wrong with which field.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers)
    {
        var target = providers.Resolve(ChatBody.Text(body, "provider"), ChatBody.Text(body, "model"));
        var messages = OpenAiMessages.Read(body);
        return new ChatCall(target, messages, new ChatOptions
        {
            ModelId = target.Model,
            MaxOutputTokens = ChatBody.Count(body, "max_tokens", "maxTokens", "max_completion_tokens"),
            Temperature = ChatBody.Number(body, "temperature", 2),
            TopP = ChatBody.Number(body, "top_p", 1),
        });
    }
}
