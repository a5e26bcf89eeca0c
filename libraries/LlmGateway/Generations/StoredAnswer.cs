namespace LlmGateway.Generations;

/// <summary>
/// The stored part of an answer whose process was lost; the provider continues from its newest stored continuation
/// token, and so repeats the content that was stored after the token. Few tokens are stored, since each costs as much
/// as a piece of text.
/// </summary>
internal sealed class StoredAnswer
{
    // The amount of each kind of stored content that the provider has not repeated yet.
    private readonly Dictionary<Type, int> _left = [];

    /// <summary>The provider's newest token. Null if the provider has given none, so that no process can continue the
    /// answer.</summary>
    public ResponseContinuationToken? Token { get; private set; }

    /// <summary>The stored updates, for the token counts of the whole answer.</summary>
    public List<ChatResponseUpdate> Updates { get; } = [];

    /// <summary>True once the provider has repeated all stored content. An earlier token would point to a place within
    /// that content.</summary>
    public bool IsPassed => _left.Count == 0;

    public static async Task<StoredAnswer> ReadAsync(IAsyncEnumerable<EventRecord> events)
    {
        var stored = new StoredAnswer();
        await foreach (var record in events)
            if (record.Type == GenerationEvents.Continuation)
            {
                stored.Token = GenerationEvents.TokenOf(record.Data);
                stored._left.Clear();
            }
            else if (GenerationEvents.UpdateOf(GenerationName.Kind, record.Type, record.Data) is { } update)
            {
                stored.Updates.Add(update);
                foreach (var (kind, amount) in update.Contents.Select(AmountOf).Where(part => part.Amount > 0))
                    stored._left[kind] = stored._left.GetValueOrDefault(kind) + amount;
            }

        return stored;
    }

    /// <summary>Removes the content that is stored already from an update.</summary>
    public void Pass(ChatResponseUpdate update)
    {
        if (!IsPassed)
            update.Contents = [.. update.Contents.Where(content => !IsStored(content))];
    }

    private bool IsStored(AIContent content)
    {
        var (kind, amount) = AmountOf(content);
        var left = _left.GetValueOrDefault(kind);
        var known = Math.Min(left, amount);
        _left[kind] = left - known;
        if (known == left)
            _left.Remove(kind);

        if (content is TextContent text)
            text.Text = text.Text[known..];
        if (content is TextReasoningContent reasoning)
            reasoning.Text = reasoning.Text[known..];
        return known == amount && content is not UsageContent;
    }

    /// <summary>Returns the kind of a content and its amount: the characters of a text, and 1 for any other content but
    /// the usage, which comes last.</summary>
    private static (Type Kind, int Amount) AmountOf(AIContent content) =>
        content switch
        {
            TextContent text => (typeof(TextContent), text.Text.Length),
            TextReasoningContent { Text.Length: > 0 } thought => (typeof(TextReasoningContent), thought.Text.Length),
            _ => (typeof(AIContent), content is UsageContent ? 0 : 1),
        };
}
