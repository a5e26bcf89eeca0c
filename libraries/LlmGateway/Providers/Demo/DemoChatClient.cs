using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Demo;

/// <summary>
/// The built-in model. It needs no key and no network, and gives the same answer to the same prompt, at a steady speed.
/// </summary>
internal sealed class DemoChatClient(DemoOptions options, TimeProvider clock) : StreamedChatClient
{
    private const int MaxNames = 20;

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
        var since = all.Skip(question + 1)
            .SelectMany(m => m.Contents)
            .Concat(question < 0 ? [] : all[question].Contents)
            .ToList();
        var called = since.OfType<FunctionCallContent>().ToList();
        var sent = DemoAnswer.SentThrough(chat?.ContinuationToken);
        var answer = new DemoAnswer(chat, DemoText.Count(all.Select(m => m.Text)));

        if (DemoTools.Next(prompt, called, chat) is { } call)
        {
            yield return answer.Last(ChatFinishReason.ToolCalls, DemoText.Count(ToolCalls.Arguments(call)), call);
            yield break;
        }

        var stops = new DemoStops(chat?.StopSequences);
        var count = 0;
        await foreach (
            var token in PacedAsync(
                DemoText.Tokens(prompt, chat?.MaxOutputTokens, Opening(called, since)),
                sent,
                cancellationToken
            )
        )
        {
            count++;

            if (stops.Find(token, out var before) is { } sequence)
            {
                if (before.Length > 0)
                    yield return answer.Text(before, count);
                var stopped = answer.Last(ChatFinishReason.Stop, count);
                StopSequence.Set(stopped, sequence);
                yield return stopped;
                yield break;
            }

            if (count > sent)
                yield return answer.Text(token, count);
        }

        var isWhole = count < Math.Min(chat?.MaxOutputTokens ?? DemoText.MaxTokens, DemoText.MaxTokens);
        yield return answer.Last(isWhole ? ChatFinishReason.Stop : ChatFinishReason.Length, count);
    }

    /// <summary>Paces tokens by the clock, not by the sum of delays; a reader that stalled gets no burst afterwards.
    /// The first ones were sent before.</summary>
    private async IAsyncEnumerable<string> PacedAsync(
        IEnumerable<string> tokens,
        int sent,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var interval = options.TokensPerSecond > 0 ? TimeSpan.FromSeconds(1 / options.TokensPerSecond) : TimeSpan.Zero;
        var due = clock.GetUtcNow();

        foreach (var token in tokens)
        {
            if (interval > TimeSpan.Zero && --sent < 0)
            {
                var now = clock.GetUtcNow();
                if ((due += interval) < now - interval)
                    due = now;
                if (due > now)
                    await Task.Delay(due - now, clock, cancellationToken);
            }

            cancellationToken.ThrowIfCancellationRequested();

            yield return token;
        }
    }

    /// <summary>The beginning of the answer: the results of the tools.</summary>
    private static string Opening(List<FunctionCallContent> called, List<AIContent> since)
    {
        var names = new Dictionary<string, string>();
        foreach (var call in called)
            names.TryAdd(call.CallId, call.Name);

        return string.Concat(
            since
                .OfType<FunctionResultContent>()
                .Take(DemoText.MaxTokens / 2)
                .Select(r => $"{names.GetValueOrDefault(r.CallId, "the tool")} says: {Summarize(ToolCalls.Result(r))} ")
        );
    }

    /// <summary>Shortens a tool's result: the names of a list, the text of an error, or the beginning.</summary>
    private static string Summarize(string result)
    {
        try
        {
            using var json = JsonDocument.Parse(result);
            if (
                json.RootElement is { ValueKind: JsonValueKind.Array } list
                && list.GetArrayLength() > 0
                && list.EnumerateArray()
                    .All(i => i.ValueKind == JsonValueKind.Object && i.TryGetProperty("name", out _))
            )
                return Excerpt(
                    string.Join(
                        ", ",
                        list.EnumerateArray().Take(MaxNames).Select(i => i.GetProperty("name").ToString())
                    ) + "."
                );
            if (
                json.RootElement is { ValueKind: JsonValueKind.Object } failed
                && failed.TryGetProperty("error", out var error)
            )
                return Excerpt(error.ToString());
        }
        catch (JsonException) { } // plain text
        return Excerpt(result);
    }

    private static string Excerpt(string text) => text.Length > 300 ? text[..300] + "…" : text;
}
