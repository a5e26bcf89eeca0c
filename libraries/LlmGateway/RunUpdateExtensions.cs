namespace AspireSse;

/// <summary>Appends the answers of models to runs, for <see cref="RunFormat"/>.</summary>
/// <remarks>Needed in the work of a run that stores the answer of an <c>IChatClient</c>.</remarks>
public static class RunUpdateExtensions
{
    /// <summary>Appends an update as an event <c>update</c>, in the JSON of Microsoft.Extensions.AI, and returns once
    /// the event is durable.</summary>
    /// <param name="run">The run.</param>
    /// <param name="update">Text, reasoning, calls of tools and their results, usage, the finish reason.</param>
    /// <exception cref="ArgumentException">The log does not accept the update's JSON: see
    /// <see cref="NewEvent"/>.</exception>
    /// <exception cref="NotSupportedException">The update has content of a type that cannot be written as
    /// JSON.</exception>
    /// <remarks>It throws once another process has ended the run; do not catch that exception.</remarks>
    public static Task AppendAsync(this Run run, ChatResponseUpdate update)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(update);
        var stored = With(update, content => content is FunctionCallContent call ? ToolCalls.Storable(call) : content);
        return run.AppendAsync(GenerationEvents.Stored(stored));
    }

    /// <summary>Appends each update of an answer as soon as the update arrives, until the answer ends or the run must
    /// stop. A character that is cut between two updates goes into the second.</summary>
    /// <param name="run">The run.</param>
    /// <param name="updates">Such as <c>chat.GetStreamingResponseAsync(messages)</c>.</param>
    /// <inheritdoc cref="AppendAsync(Run, ChatResponseUpdate)"/>
    public static async Task AppendAsync(this Run run, IAsyncEnumerable<ChatResponseUpdate> updates)
    {
        ArgumentNullException.ThrowIfNull(run);
        var characters = new WholeCharacters();
        await foreach (var update in updates.WithCancellation(run.Stopping))
            await run.AppendAsync(characters.Of(update));
    }

    /// <summary>Returns the update, or a copy of it if its contents change. The caller's object is not
    /// modified.</summary>
    private static ChatResponseUpdate With(ChatResponseUpdate update, Func<AIContent, AIContent> change)
    {
        var contents = update.Contents.Select(change).ToList();
        if (contents.SequenceEqual(update.Contents))
            return update;

        var changed = update.Clone();
        changed.Contents = contents;
        return changed;
    }

    /// <summary>Joins surrogate pairs that a chat client cuts between two updates: JSON cannot hold one half of a
    /// pair.</summary>
    private sealed class WholeCharacters
    {
        private string _ofText = "";
        private string _ofReasoning = "";

        /// <summary>Returns the update with the half pair that the update before it left over, and keeps the half pair
        /// at its end for the next update.</summary>
        public ChatResponseUpdate Of(ChatResponseUpdate update) => With(update, Of);

        private AIContent Of(AIContent content) =>
            content switch
            {
                TextContent text when Joined(text.Text, ref _ofText) is { } whole => new TextContent(whole)
                {
                    AdditionalProperties = text.AdditionalProperties,
                    Annotations = text.Annotations,
                },
                TextReasoningContent reasoning when Joined(reasoning.Text, ref _ofReasoning) is { } whole =>
                    new TextReasoningContent(whole)
                    {
                        AdditionalProperties = reasoning.AdditionalProperties,
                        ProtectedData = reasoning.ProtectedData,
                    },
                _ => content,
            };

        /// <summary>Returns the text with the half before it and without the half at its end, or null if there is
        /// neither.</summary>
        private static string? Joined(string text, ref string half)
        {
            var whole = half + text;
            var isCut = whole.Length > 0 && char.IsHighSurrogate(whole[^1]);
            if (half.Length == 0 && !isCut)
                return null;

            half = isCut ? whole[^1..] : "";
            return isCut ? whole[..^1] : whole;
        }
    }
}
