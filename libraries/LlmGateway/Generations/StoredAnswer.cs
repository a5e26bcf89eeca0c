namespace LlmGateway.Generations;

/// <summary>
/// The stored part of an answer whose process was lost; the provider continues from its newest stored continuation
/// token, and so repeats the content that was stored after the token. Few tokens are stored, since each costs as much
/// as a piece of text.
/// </summary>
internal sealed class StoredAnswer
{
    // The stored content that the provider has not repeated yet.
    private int _text;
    private int _reasoning;
    private int _others;

    /// <summary>The provider's newest token. Null if the provider has given none, so that no process can continue the
    /// answer.</summary>
    public ResponseContinuationToken? Token { get; private set; }

    /// <summary>The stored updates, for the token counts of the whole answer.</summary>
    public List<ChatResponseUpdate> Updates { get; } = [];

    /// <summary>True once the provider has repeated all stored content. An earlier token would point to a place within
    /// that content.</summary>
    public bool IsPassed => _text + _reasoning + _others == 0;

    public static async Task<StoredAnswer> ReadAsync(IAsyncEnumerable<EventRecord> events)
    {
        var stored = new StoredAnswer();
        await foreach (var record in events)
            if (record.Type == GenerationEvents.Continuation)
            {
                stored.Token = GenerationEvents.TokenOf(record.Data);
                stored._text = stored._reasoning = stored._others = 0;
            }
            else if (GenerationEvents.UpdateOf(GenerationName.Kind, record.Type, record.Data) is { } update)
            {
                stored.Updates.Add(update);
                foreach (var content in update.Contents)
                    stored.CountOf(content) += LengthOf(content);
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
        ref var count = ref CountOf(content);
        var known = Math.Min(count, LengthOf(content));
        var isWhole = known == LengthOf(content) && content is not UsageContent;
        count -= known;

        if (content is TextContent text)
            text.Text = text.Text[known..];
        if (content is TextReasoningContent reasoning)
            reasoning.Text = reasoning.Text[known..];
        return isWhole;
    }

    private ref int CountOf(AIContent content)
    {
        if (content is TextContent)
            return ref _text;
        if (content is TextReasoningContent { Text.Length: > 0 })
            return ref _reasoning;
        return ref _others;
    }

    /// <summary>Returns the characters of a text, and 1 for any other content but the usage, which comes
    /// last.</summary>
    private static int LengthOf(AIContent content) =>
        content switch
        {
            TextContent text => text.Text.Length,
            TextReasoningContent { Text.Length: > 0 } reasoning => reasoning.Text.Length,
            _ => content is UsageContent ? 0 : 1,
        };
}
