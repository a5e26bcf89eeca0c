namespace LlmGateway.Generations;

/// <summary>The question of a run, as it is stored.</summary>
/// <param name="Dialect">Name of the request's dialect. Only that dialect reads <paramref name="Asked"/>.</param>
/// <param name="Messages">The request's own messages, without those of <paramref name="Previous"/>.</param>
/// <param name="Previous">Id of the run that this one continues, or null if it has no history.</param>
/// <param name="Asked">Other parts of the request that the dialect needs for its answers, or null.</param>
/// <param name="Instructions">Text for the model before the conversation, which later turns do not repeat, or
/// null.</param>
internal sealed record RunPrompt(
    string Dialect,
    IReadOnlyList<ChatMessage> Messages,
    string? Previous = null,
    JsonObject? Asked = null,
    string? Instructions = null
)
{
    /// <summary>The prompt that replaces the prompt of a deleted run. Conversations then omit the run, but keep the
    /// turns before it.</summary>
    public static RunPrompt Deleted { get; } = new("deleted", []);

    public bool IsDeleted => Dialect == Deleted.Dialect;

    /// <summary>Returns the messages for the model: the instructions, then a conversation.</summary>
    public List<ChatMessage> Question(IEnumerable<ChatMessage> conversation) =>
        Instructions is { Length: > 0 } text
            ? [new ChatMessage(ChatRole.System, text), .. conversation]
            : [.. conversation];
}
