using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Demo;

/// <summary>
/// The built-in model. It needs no key and no network, and gives the same answer to the same prompt, at a steady speed.
/// </summary>
internal sealed class DemoChatClient(DemoOptions options, TimeProvider clock) : WireChatClient
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
        var id = Guid.CreateVersion7().ToString("N");
        var input = DemoText.Count(all.Select(m => m.Text));

        if (DemoTools.Next(prompt, called, chat) is { } call)
        {
            yield return Last(ChatFinishReason.ToolCalls, DemoText.Count(ToolCalls.Arguments(call)), call);
            yield break;
        }

        var tokens = DemoText.Tokens(prompt, chat?.MaxOutputTokens, Opening(called, since));
        var stops = chat?.StopSequences?.Where(s => s.Length > 0).ToList() ?? [];
        var longest = stops.Count == 0 ? 0 : stops.Max(s => s.Length);
        var interval = options.TokensPerSecond > 0 ? TimeSpan.FromSeconds(1 / options.TokensPerSecond) : TimeSpan.Zero;
        var due = clock.GetUtcNow();
        var tail = "";
        var count = 0;
        foreach (var token in tokens)
        {
            if (interval > TimeSpan.Zero)
            {
                // Paced by the clock, not by the sum of delays; a reader that stalled gets no burst afterwards.
                var now = clock.GetUtcNow();
                if ((due += interval) < now - interval)
                    due = now;
                if (due > now)
                    await Task.Delay(due - now, clock, cancellationToken);
            }
            cancellationToken.ThrowIfCancellationRequested();
            count++;
            if (stops.Count > 0)
            {
                if (FindStop(tail + token, stops) is { } stop)
                {
                    var end = stop.At;
                    if (end > tail.Length)
                        yield return new ChatResponseUpdate(ChatRole.Assistant, token[..(end - tail.Length)])
                        {
                            ResponseId = id,
                            ModelId = chat?.ModelId,
                        };
                    var stopped = Last(ChatFinishReason.Stop, count);
                    StopSequence.Set(stopped, stop.Sequence);
                    yield return stopped;
                    yield break;
                }
                // Keep what can be the beginning of a stop sequence; earlier text has been searched.
                tail += token;
                if (tail.Length >= longest)
                    tail = tail[^(longest - 1)..];
            }
            yield return new ChatResponseUpdate(ChatRole.Assistant, token) { ResponseId = id, ModelId = chat?.ModelId };
        }
        yield return Last(
            count >= Math.Min(chat?.MaxOutputTokens ?? DemoText.MaxTokens, DemoText.MaxTokens)
                ? ChatFinishReason.Length
                : ChatFinishReason.Stop,
            count
        );

        ChatResponseUpdate Last(ChatFinishReason reason, int output, AIContent? content = null)
        {
            var last = new ChatResponseUpdate
            {
                Role = ChatRole.Assistant,
                ResponseId = id,
                ModelId = chat?.ModelId,
                FinishReason = reason,
            };
            if (content is not null)
                last.Contents.Add(content);
            last.Contents.Add(
                new UsageContent(
                    new UsageDetails
                    {
                        InputTokenCount = input,
                        OutputTokenCount = output,
                        TotalTokenCount = input + output,
                    }
                )
            );
            return last;
        }
    }

    /// <summary>Finds the first stop sequence in a text.</summary>
    private static (int At, string Sequence)? FindStop(string text, List<string> stops)
    {
        (int At, string Sequence)? first = null;
        foreach (var stop in stops)
            if (text.IndexOf(stop, StringComparison.Ordinal) is >= 0 and var at && at < (first?.At ?? int.MaxValue))
                first = (at, stop);
        return first;
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
