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
            await run.AppendAsync(With(update, characters.Of));
    }

    /// <summary>Returns a copy of the update with other contents. The caller's object is not modified.</summary>
    private static ChatResponseUpdate With(ChatResponseUpdate update, Func<AIContent, AIContent> change)
    {
        var changed = update.Clone();
        changed.Contents = [.. update.Contents.Select(change)];
        return changed;
    }

    /// <summary>Joins surrogate pairs that a chat client cuts between two updates: JSON cannot hold one half of a
    /// pair.</summary>
    private sealed class WholeCharacters
    {
        private readonly AnswerText _text = new();
        private readonly AnswerText _reasoning = new();

        /// <summary>Returns the content with the half pair that the content before it left over, and keeps the half
        /// pair at its end for the next one.</summary>
        public AIContent Of(AIContent content) =>
            content switch
            {
                TextContent text => new TextContent(Whole(_text, text.Text))
                {
                    AdditionalProperties = text.AdditionalProperties,
                    Annotations = text.Annotations,
                },
                TextReasoningContent reasoning => new TextReasoningContent(Whole(_reasoning, reasoning.Text))
                {
                    AdditionalProperties = reasoning.AdditionalProperties,
                    Annotations = reasoning.Annotations,
                    ProtectedData = reasoning.ProtectedData,
                },
                _ => content,
            };

        private static string Whole(AnswerText all, string text)
        {
            all.Append(text);
            return all.Take();
        }
    }
}
