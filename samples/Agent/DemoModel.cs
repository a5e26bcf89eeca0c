using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Agent;

/// <summary>Answers word by word, without a provider.</summary>
/// <param name="pause">Time between two words.</param>
internal sealed class DemoModel(TimeSpan pause) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var answer =
            $"You asked: {messages.Last().Text} Close this page while I answer. Open it again: nothing is lost.";
        foreach (var word in answer.Split(' '))
        {
            await Task.Delay(pause, cancellationToken);
            yield return new ChatResponseUpdate(ChatRole.Assistant, word + " ");
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose() { }
}
