using Microsoft.Extensions.AI;

namespace LlmGateway.Requests;

/// <summary>
/// Part of a message that only a provider with the same API takes, in the original body: audio, files, documents.
/// </summary>
/// <param name="path">Path of the part's type in the request.</param>
/// <param name="kind">The part's type.</param>
internal sealed class UntranslatableContent(string path, string kind) : AIContent
{
    /// <summary>Refuses messages with such a part: the model would answer without it.</summary>
    /// <exception cref="InvalidChatException">A message has such a part; it is named.</exception>
    public static void Refuse(IEnumerable<ChatMessage> messages)
    {
        foreach (var message in messages)
        foreach (var content in message.Contents)
            if (content is UntranslatableContent part)
                throw part.Refusal();
    }

    private InvalidChatException Refusal() =>
        new(path, $"'{kind}' cannot be sent to this model: only models of the same vendor take it.");
}
