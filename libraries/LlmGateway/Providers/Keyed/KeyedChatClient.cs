using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Keyed;

/// <summary>
/// A chat client of the host, with the limits of a provider: its silences, the size of an answer, and a cancellation
/// that takes effect at once. Its library retries, so the gateway does not.
/// </summary>
/// <remarks>The vendors' packages skip an error within a stream, but give the reason of an end, except one that
/// Responses calls incomplete. So an answer of theirs without a reason has failed.</remarks>
internal sealed class KeyedChatClient(IChatClient inner, string provider, ProviderOptions options, TimeProvider clock)
    : StreamedChatClient
{
    private readonly string _failure = $"{provider} failed. The answer is incomplete.";

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var sent = Sent(chat);
        await using var answer = new KeyedAnswer(
            provider,
            options,
            clock,
            // A token has the request in it.
            stop => inner.GetStreamingResponseAsync(sent?.ContinuationToken is null ? messages : [], sent, stop),
            cancellationToken
        );

        var deltas = new AnswerDeltas(chat);
        var isOfVendor = false;
        var silence = TimeSpan.FromSeconds(options.FirstTokenSeconds);
        while (await answer.NextAsync(silence) is { } update)
        {
            deltas.Id ??= update.ResponseId;
            deltas.Model ??= update.ModelId;
            var raw = update.RawRepresentation?.GetType();
            isOfVendor |= raw?.Namespace is "OpenAI.Chat" or "OpenAI.Responses" or "Anthropic.Models.Messages";
            deltas.SetFinish(raw?.Name == "StreamingResponseIncompleteUpdate" ? "length" : update.FinishReason?.Value);

            foreach (var content in update.Contents)
            {
                Read(content, deltas);
                var read = deltas.Update();
                if (content is UsageContent)
                    read.Contents.Add(content);
                if (read.Contents.Count > 0)
                    yield return read;
            }

            // A call is passed on at the end, so no token may be of a place after it.
            if (deltas.Calls == 0 && update.ContinuationToken is { } place)
                yield return new ChatResponseUpdate { ContinuationToken = place };
            silence = TimeSpan.FromSeconds(options.IdleSeconds);
        }

        // A client need not say why the answer has ended; a failure is an exception.
        deltas.IsEnded = !isOfVendor;
        yield return deltas.End();
    }

    private void Read(AIContent content, AnswerDeltas deltas)
    {
        switch (ProviderFailure.Read(content, _failure))
        {
            case TextContent text:
                (text.IsRefusal() ? deltas.NewRefusal : deltas.NewText).Append(text.Text);
                break;
            case TextReasoningContent reasoning:
                deltas.NewReasoning.Append(reasoning.Text);
                break;
            case FunctionCallContent call:
                var id = string.IsNullOrWhiteSpace(call.CallId) ? null : call.CallId;
                deltas.AddToCall(id is null ? deltas.Calls : null, id, call.Name, ToolCalls.Arguments(call));
                break;

            // The client has tools of its own, and has run this one.
            case FunctionResultContent result:
                deltas.Answer(result.CallId);
                break;
        }
    }

    /// <summary>
    /// The options for the client, without this gateway's own (<see cref="CallOptions"/>). Tools are only declared: the
    /// agent calls them, and the vendors' clients call theirs.
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
