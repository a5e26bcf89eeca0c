namespace LlmGateway.Requests;

/// <summary>
/// A part of a message that only a provider with the same API can get, in the original body: audio, files, documents,
/// and tool results that are more than text.
/// </summary>
/// <param name="path">Path of the part's type in the request.</param>
/// <param name="kind">The part's type.</param>
/// <param name="problem">What is wrong with it, or null if only other vendors' models cannot take it.</param>
internal sealed class UntranslatableContent(string path, string kind, string? problem = null) : AIContent
{
    /// <summary>Returns the result of a tool call. Only its text can be translated.</summary>
    /// <param name="callId">Id of the call.</param>
    /// <param name="parts">The result's parts.</param>
    /// <param name="path">Path of the parts in the request.</param>
    /// <param name="isError">True if the tool has failed. Not every API has a member for that, so the text says so
    /// too.</param>
    public static AIContent ToolResult(string callId, IReadOnlyList<AIContent> parts, string path, bool isError = false)
    {
        if (parts.FirstOrDefault(part => part is not TextContent) is { } other)
            return other as UntranslatableContent ?? new UntranslatableContent(path, "non-text part of a tool result");

        var text = MessageText.Join(parts);
        if (!isError)
            return new FunctionResultContent(callId, text);

        var error = text.StartsWith("error", StringComparison.OrdinalIgnoreCase) ? text : $"Error: {text}";
        return new FunctionResultContent(callId, error) { Exception = new InvalidOperationException(error) };
    }

    /// <summary>Refuses messages with such a part: the model would answer without it.</summary>
    /// <exception cref="InvalidChatException">A message has such a part. The exception names it.</exception>
    public static void Refuse(IEnumerable<ChatMessage> messages)
    {
        foreach (var message in messages)
        foreach (var content in message.Contents)
            if (content is UntranslatableContent part)
                throw part.Refusal();
    }

    private InvalidChatException Refusal() =>
        new(path, problem ?? $"'{kind}' cannot be sent to this model: only models of the same vendor take it.");
}
