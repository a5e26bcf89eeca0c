using System.Runtime.CompilerServices;

namespace LlmGateway.Providers.Keyed;

/// <summary>
/// A chat client of the host, with the limits of a provider: its silences, the size of an answer, and a cancellation
/// that takes effect at once. The client's library retries, so the gateway does not.
/// </summary>
/// <remarks>The vendors' packages skip an error within a stream, but report a finish reason, unless the Responses API
/// calls the response incomplete. So an answer of such a package without a finish reason has failed.</remarks>
internal sealed class KeyedChatClient(IChatClient inner, ModelProvider provider) : StreamedChatClient
{
    private readonly string _failure = $"{provider.Name} failed. The answer is incomplete.";

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var sent = Sent(chat);
        var answer = new KeyedAnswer(
            provider,
            // A continuation token stands for the request, so the messages are not sent again.
            stop => inner.GetStreamingResponseAsync(sent?.ContinuationToken is null ? messages : [], sent, stop),
            cancellationToken
        );

        var deltas = new AnswerDeltas(chat);
        var isOfVendor = false;
        await foreach (var update in answer.ReadAsync())
        {
            deltas.Id ??= update.ResponseId;
            deltas.Model ??= update.ModelId;
            var maker = update.RawRepresentation?.GetType().Namespace;
            isOfVendor |= maker is "OpenAI.Chat" or "OpenAI.Responses" or "Anthropic.Models.Messages";
            deltas.SetFinish(ReasonOf(update.RawRepresentation) ?? update.FinishReason?.Value);

            foreach (var content in update.Contents)
            {
                Read(content, deltas);
                var read = deltas.Update();
                if (content is UsageContent)
                    read.Contents.Add(content);
                if (read.Contents.Count > 0)
                    yield return read;
            }

            // A call is passed on only at the end, so no token may point to a place after the call.
            if (deltas.Calls.Count == 0 && update.ContinuationToken is { } place)
                yield return new ChatResponseUpdate { ContinuationToken = place };
        }

        // Other clients need not report a finish reason, since they throw if the answer fails.
        deltas.IsEnded = !isOfVendor;
        yield return deltas.End();
    }

    private void Read(AIContent content, AnswerDeltas deltas)
    {
        switch (ProviderFailure.Read(content, _failure))
        {
            case TextContent { Annotations: null or { Count: 0 } } text:
                (text.IsRefusal() ? deltas.NewRefusal : deltas.NewText).Append(text.Text);
                break;
            case TextReasoningContent reasoning:
                deltas.NewReasoning.Append(reasoning.Text);
                deltas.Protect(reasoning.ProtectedData);
                break;
            case FunctionCallContent call:
                var id = string.IsNullOrWhiteSpace(call.CallId) ? null : call.CallId;
                deltas.AddToCall(id is null ? deltas.Calls.Count : null, id, call.Name, ToolCalls.Arguments(call));
                break;

            // The client has run this call with a tool of its own.
            case FunctionResultContent result:
                deltas.Answer(result.CallId);
                break;
            case UsageContent:
                break;

            // A library's wrapper of what it does not know.
            case var other when other.GetType() == typeof(AIContent):
                deltas.Skip(other.RawRepresentation?.GetType().Name ?? nameof(AIContent), isShown: false);
                break;
            case var other:
                deltas.NewContents.Add(other);
                break;
        }
    }

    /// <summary>Returns why a response of OpenAI's Responses API is incomplete, which its package leaves in the event:
    /// the reason, or the status, such as <c>cancelled</c>. Null for any other event.</summary>
    private static string? ReasonOf(object? raw)
    {
        if (raw?.GetType().Name != "StreamingResponseIncompleteUpdate")
            return null;
        var response = KeyedAnswer.Property(raw, "Response");
        var details = KeyedAnswer.Property(response, "IncompleteStatusDetails");
        return $"{KeyedAnswer.Property(details, "Reason") ?? KeyedAnswer.Property(response, "Status")}";
    }

    /// <summary>
    /// Returns the options for the client, without those of this gateway (<see cref="CallOptions"/>). Tools are only
    /// declared, because the gateway's agents, and the clients of vendors' APIs, run their tools themselves.
    /// </summary>
    private static ChatOptions? Sent(ChatOptions? chat)
    {
        if (chat?.Clone() is not { } sent)
            return null;
        sent.Tools = sent.Tools?.Select(t => t is AIFunction function ? function.AsDeclarationOnly() : t).ToList();
        if (sent.Tools is not { Count: > 0 })
            sent.ToolMode = null;
        return sent;
    }
}
