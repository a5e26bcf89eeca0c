using Microsoft.Extensions.AI;

namespace Harness;

/// <summary>Returns the updates of an answer.</summary>
/// <param name="messages">The conversation.</param>
/// <param name="options">The options of the request.</param>
/// <param name="cancellationToken">Cancels the answer.</param>
internal delegate IAsyncEnumerable<ChatResponseUpdate> ChatScript(
    IEnumerable<ChatMessage> messages,
    ChatOptions? options,
    CancellationToken cancellationToken
);

/// <summary>A model that sends the updates of a script.</summary>
/// <param name="script">Called once a request.</param>
/// <param name="model">Name of the model in the client's metadata, or null if it has none.</param>
internal sealed class ScriptedChatClient(ChatScript script, string? model = null) : IChatClient
{
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => script(messages, options, cancellationToken);

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", defaultModelId: model) : null;

    public void Dispose() { }
}
