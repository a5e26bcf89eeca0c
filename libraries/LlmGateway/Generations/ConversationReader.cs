using Microsoft.Extensions.Options;
using Streaming.Requests;

namespace LlmGateway.Generations;

/// <summary>Reads conversations: the prompts and the answers of runs that continue each other.</summary>
internal sealed class ConversationReader(
    PromptStore prompts,
    RunUpdates updates,
    ReadGate turns,
    IOptions<LlmOptions> options
)
{
    private const string Field = "previous_response_id";

    private static InvalidChatException TooLong =>
        new(Field, "The conversation before it is longer than a request may be.", code: "context_length_exceeded");

    /// <summary>The refusal of a conversation that retention has dropped in part, because the model would answer as if
    /// that part had never existed.</summary>
    private static InvalidChatException Dropped =>
        new(
            Field,
            "A response before it is no longer stored. Send the conversation as input.",
            code: "previous_response_not_found"
        );

    /// <summary>Returns the messages that a run answers, including its instructions and the messages of earlier
    /// runs.</summary>
    /// <exception cref="InvalidChatException">The messages are more than a request may have, or are no longer
    /// stored.</exception>
    public async Task<List<ChatMessage>> QuestionAsync(RunName name, CancellationToken cancellationToken)
    {
        var prompt = await prompts.ReadAsync(name, cancellationToken) ?? throw Dropped;
        if (prompt.Previous is not { } previous)
            return prompt.Question(prompt.Messages);

        var before = await HistoryAsync(new RunName(name.Kind, previous), cancellationToken);
        return prompt.Question([.. before, .. prompt.Messages]);
    }

    /// <summary>Reads a conversation within the client's turn.</summary>
    /// <inheritdoc cref="HistoryAsync(RunName, CancellationToken, int, long?)"/>
    public async Task<List<ChatMessage>> HistoryAsync(HttpContext context, RunName last)
    {
        using var turn = await turns.EnterAsync(context);
        return await HistoryAsync(last, context.RequestAborted);
    }

    /// <summary>Returns the messages of a conversation through a run's answer, oldest first, without those of deleted
    /// runs.</summary>
    /// <param name="last">The run.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    /// <param name="most">Most messages.</param>
    /// <param name="mostBytes">Most bytes of all messages, approximately, or null for those of a request.</param>
    /// <exception cref="InvalidChatException">The messages are more than a request may have, or are no longer
    /// stored.</exception>
    public async Task<List<ChatMessage>> HistoryAsync(
        RunName last,
        CancellationToken cancellationToken,
        int most = ChatBody.MaxMessages,
        long? mostBytes = null
    )
    {
        mostBytes ??= options.Value.MaxRequestBytes;
        var history = new List<ChatMessage>();
        var bytes = 0L;
        var runs = 0;
        int? sinceDeleted = null;

        for (RunName? next = last; next is { } name; )
        {
            var (prompt, size) = await prompts.ReadSizedAsync(name, cancellationToken);
            if (prompt is null)
                throw Dropped;

            if (prompt.IsDeleted)
                sinceDeleted ??= history.Count;
            else
            {
                var run = await updates.FindAsync(name, cancellationToken) ?? throw Dropped;
                var answer = await updates.SoFarAsync(run, cancellationToken);
                var said = answer.Updates.ToChatResponse().Messages;
                OwnReasoning.Mark(said, run.Provider);
                UnshownContent.TellFiles(said);
                history.InsertRange(0, [.. prompt.Messages, .. said]);
                bytes += size + answer.Updates.Sum(update => update.Text.Length);
            }

            // Deleted runs have no messages, but each of them is read, so it counts.
            if (++runs > most || history.Count > most || bytes > mostBytes)
                throw TooLong;

            next = prompt.Previous is { } previous ? new RunName(name.Kind, previous) : null;
        }

        if (sinceDeleted is { } newer)
            RemoveHalves(history, history.Count - newer);
        return history;
    }

    /// <summary>Removes the results of deleted calls, and the calls of deleted results: no vendor takes one without the
    /// other.</summary>
    /// <param name="history">The messages.</param>
    /// <param name="older">Number of messages before the newest deleted run. A call after that run may still be
    /// answered.</param>
    private static void RemoveHalves(List<ChatMessage> history, int older)
    {
        var contents = history.SelectMany(message => message.Contents).ToList();
        var calls = contents.OfType<FunctionCallContent>().Select(call => call.CallId).ToHashSet();
        var results = contents.OfType<FunctionResultContent>().Select(result => result.CallId).ToHashSet();

        foreach (var (index, message) in history.Index())
            message.Contents =
            [
                .. message.Contents.Where(content =>
                    content switch
                    {
                        FunctionResultContent result => calls.Contains(result.CallId),
                        FunctionCallContent call => index >= older || results.Contains(call.CallId),
                        _ => true,
                    }
                ),
            ];

        history.RemoveAll(message => message.Contents.Count == 0);
    }
}
