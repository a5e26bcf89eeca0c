using Microsoft.Extensions.AI;

namespace LlmGateway.Generations;

/// <summary>
/// The stored part of an answer that its process left: the provider's newest continuation token, and what was stored
/// after it, which the provider says again. Tokens are stored now and then, since each would cost as much as the text.
/// </summary>
internal sealed class StoredAnswer
{
    private int _text;
    private int _reasoning;
    private int _calls;

    /// <summary>The provider's newest token, or null if it has given none, and nobody can go on with the
    /// answer.</summary>
    public ResponseContinuationToken? Token { get; private set; }

    /// <summary>The stored answer, for what is counted of the whole.</summary>
    public List<ChatResponseUpdate> Updates { get; } = [];

    /// <summary>True once the provider has said all of it again. A token before that would be of a place within
    /// it.</summary>
    public bool IsPassed => _text + _reasoning + _calls == 0;

    public static async Task<StoredAnswer> ReadAsync(IAsyncEnumerable<EventRecord> events)
    {
        var stored = new StoredAnswer();
        await foreach (var record in events)
            stored.Add(record);
        return stored;
    }

    /// <summary>Removes from an update what is stored.</summary>
    public void Pass(ChatResponseUpdate update)
    {
        if (!IsPassed)
            update.Contents = [.. update.Contents.Where(content => !IsStored(content))];
    }

    private void Add(EventRecord record)
    {
        if (record.Type == GenerationEvents.Continuation)
        {
            Token = GenerationEvents.TokenOf(record.Data);
            _text = _reasoning = _calls = 0;
            return;
        }

        if (GenerationEvents.UpdateOf(record.Type, record.Data) is not { } update)
            return;

        Updates.Add(update);
        foreach (var content in update.Contents)
            switch (content)
            {
                case TextContent text:
                    _text += text.Text.Length;
                    break;
                case TextReasoningContent reasoning:
                    _reasoning += reasoning.Text.Length;
                    break;
                case FunctionCallContent:
                    _calls++;
                    break;
            }
    }

    private bool IsStored(AIContent content)
    {
        switch (content)
        {
            case TextContent text:
                text.Text = Rest(text.Text, ref _text);
                return text.Text.Length == 0;
            case TextReasoningContent reasoning:
                reasoning.Text = Rest(reasoning.Text, ref _reasoning);
                return reasoning.Text.Length == 0;
            case FunctionCallContent when _calls > 0:
                _calls--;
                return true;
            default:
                return false;
        }
    }

    private static string Rest(string text, ref int stored)
    {
        var known = Math.Min(stored, text.Length);
        stored -= known;
        return text[known..];
    }
}
