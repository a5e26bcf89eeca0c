using System.Runtime.CompilerServices;

namespace LlmGateway.Providers.Demo;

/// <summary>
/// The built-in model. It needs no key and no network, and gives the same answer to the same prompt, at a steady speed.
/// </summary>
internal sealed class DemoChatClient(DemoOptions options, TimeProvider clock) : StreamedChatClient
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var all = messages.ToList();
        var question = all.FindLastIndex(m =>
            m.Role == ChatRole.User && m.Contents.Any(c => c is not FunctionResultContent)
        );
        var prompt = question < 0 ? "" : all[question].Text.Trim();
        var since = all.Skip(question).SelectMany(m => m.Contents).ToList();
        var called = since.OfType<FunctionCallContent>().ToList();
        var id = Guid.CreateVersion7().ToString("N");

        if (DemoTools.Next(prompt, called, chat) is { } call)
        {
            yield return Last(ChatFinishReason.ToolCalls, DemoText.Count(ToolCalls.Arguments(call)), call);
            yield break;
        }

        var tokens = DemoText.Tokens(prompt, chat?.MaxOutputTokens, DemoTools.Report(called, since));
        var isWhole = tokens.Count < Math.Min(chat?.MaxOutputTokens ?? DemoText.MaxTokens, DemoText.MaxTokens);
        var stop = DemoText.CutBefore(chat?.StopSequences, tokens);

        // The clock paces the tokens, not the sum of delays, and a reader that stalled gets no burst afterwards.
        var interval = options.TokensPerSecond > 0 ? TimeSpan.FromSeconds(1 / options.TokensPerSecond) : TimeSpan.Zero;
        var due = clock.GetUtcNow();
        // Another process continues after the tokens that were sent, with the messages of the first request.
        var sent = chat?.ContinuationToken is { } token ? BitConverter.ToInt32(token.ToBytes().Span) : 0;
        while (sent < tokens.Count)
        {
            var now = clock.GetUtcNow();
            due = due + interval < now - interval ? now : due + interval;
            if (interval > TimeSpan.Zero && due > now)
                await Task.Delay(due - now, clock, cancellationToken);

            cancellationToken.ThrowIfCancellationRequested();

            var update = Update(new TextContent(tokens[sent++]));
            if (chat?.AllowBackgroundResponses == true)
                update.ContinuationToken = ResponseContinuationToken.FromBytes(BitConverter.GetBytes(sent));
            yield return update;
        }

        var last = Last(isWhole || stop is not null ? ChatFinishReason.Stop : ChatFinishReason.Length, tokens.Count);
        if (stop is not null)
            StopSequence.Set(last, stop);
        yield return last;

        ChatResponseUpdate Update(params IList<AIContent> contents) =>
            new(ChatRole.Assistant, contents) { ResponseId = id, ModelId = chat?.ModelId };

        ChatResponseUpdate Last(ChatFinishReason reason, long output, params IEnumerable<AIContent> contents)
        {
            var input = DemoText.Count(all.Select(m => m.Text));
            var usage = new UsageDetails
            {
                InputTokenCount = input,
                OutputTokenCount = output,
                TotalTokenCount = input + output,
            };
            var update = Update([.. contents, new UsageContent(usage)]);
            update.FinishReason = reason;
            return update;
        }
    }
}
