using Microsoft.Extensions.AI;

namespace LlmGateway.Generations;

/// <summary>
/// The stored part of an answer whose process was lost; the provider continues from its newest stored continuation
/// token, and so repeats the content that was stored after the token. Few tokens are stored, since each costs as much
/// as a piece of text.
/// </summary>
internal sealed class StoredAnswer
{
    private int _text;
    private int _reasoning;
    private int _calls;

    /// <summary>The provider's newest token. Null if the provider has given none, so that no process can continue the
    /// answer.</summary>
    public ResponseContinuationToken? Token { get; private set; }

    /// <summary>The stored updates, for the token counts of the whole answer.</summary>
    public List<ChatResponseUpdate> Updates { get; } = [];

    /// <summary>True once the provider has repeated all stored content. An earlier token would point to a place within
    /// that content.</summary>
    public bool IsPassed => _text + _reasoning + _calls == 0;

    public static async Task<StoredAnswer> ReadAsync(IAsyncEnumerable<EventRecord> events)
    {
        var stored = new StoredAnswer();
        await foreach (var record in events)
            stored.Add(record);
        return stored;
    }

    /// <summary>Removes the content that is stored already from an update.</summary>
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
