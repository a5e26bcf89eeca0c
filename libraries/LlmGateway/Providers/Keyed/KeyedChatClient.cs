using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Keyed;

/// <summary>
/// A chat client of the host, with the limits of a provider: its silences, the size of an answer, and a cancellation
/// that takes effect at once. Its library retries, so the gateway does not.
/// </summary>
internal sealed class KeyedChatClient(IChatClient inner, string provider, ProviderOptions options, TimeProvider clock)
    : StreamedChatClient
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var sent = Sent(chat);
        await using var answer = new KeyedAnswer(
            provider,
            options,
            clock,
            token => inner.GetStreamingResponseAsync(messages, sent, token),
            cancellationToken
        );

        var silence = TimeSpan.FromSeconds(options.FirstTokenSeconds);
        while (await answer.NextAsync(silence) is { } update)
        {
            yield return update;
            silence = TimeSpan.FromSeconds(options.IdleSeconds);
        }
    }

    /// <summary>
    /// The options for the client, without this gateway's own (<see cref="CallOptions"/>). Tools are only declared: the
    /// agent calls them, and the vendors' clients call theirs.
    /// </summary>
    private static ChatOptions? Sent(ChatOptions? chat)
    {
        if (chat?.Clone() is not { } sent)
            return null;
        sent.Tools = sent.Tools?.Select(t => t is AIFunction function ? function.AsDeclarationOnly() : t).ToList();
        return sent;
    }
}
