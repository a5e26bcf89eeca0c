using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace StreamApi.Chat.Providers.Demo;

/// <summary>The built-in model: no key, no network, the same answer to the same prompt, at a steady speed.</summary>
internal sealed class DemoChatClient(DemoOptions options, TimeProvider clock) : WireChatClient
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? chat = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var all = messages.ToList();
        var asked = all.FindLastIndex(m => m.Role == ChatRole.User && m.Contents.Any(c => c is not FunctionResultContent));
        var prompt = asked < 0 ? "" : all[asked].Text.Trim();
        var since = all.Skip(asked + 1).SelectMany(m => m.Contents).Concat(asked < 0 ? [] : all[asked].Contents).ToList();
        var called = since.OfType<FunctionCallContent>().ToList();
        var id = Guid.CreateVersion7().ToString("N");
        var input = all.Sum(m => DemoText.Count(m.Text));

        if (DemoTools.Next(prompt, called, chat) is { } call)
        {
            yield return Last(ChatFinishReason.ToolCalls, DemoText.Count(ToolCalls.Arguments(call)), call);
            yield break;
        }

        var tokens = DemoText.Tokens(prompt, chat?.MaxOutputTokens, Opening(called, since));
        var stops = chat?.StopSequences;
        var interval = options.TokensPerSecond > 0 ? TimeSpan.FromSeconds(1 / options.TokensPerSecond) : TimeSpan.Zero;
        var due = clock.GetUtcNow();
        var said = "";
        var count = 0;
        foreach (var token in tokens)
        {
            if (interval > TimeSpan.Zero)
            {
                // Paced by the clock, not by the sum of waits; a reader that stalled gets no burst afterwards.
                var now = clock.GetUtcNow();
                if ((due += interval) < now - interval) due = now;
                if (due > now) await Task.Delay(due - now, clock, cancellationToken);
            }
            cancellationToken.ThrowIfCancellationRequested();
            count++;
            if (stops is { Count: > 0 } && Stopped(said + token, stops) is { } end)
            {
                if (end > said.Length) yield return new ChatResponseUpdate(ChatRole.Assistant, token[..(end - said.Length)]) { ResponseId = id, ModelId = chat?.ModelId };
                yield return Last(ChatFinishReason.Stop, count);
                yield break;
            }
            if (stops is { Count: > 0 }) said += token;
            yield return new ChatResponseUpdate(ChatRole.Assistant, token) { ResponseId = id, ModelId = chat?.ModelId };
        }
        yield return Last(DemoText.IsWhole(prompt, chat?.MaxOutputTokens) ? ChatFinishReason.Stop : ChatFinishReason.Length, count);

        ChatResponseUpdate Last(ChatFinishReason reason, int output, AIContent? content = null)
        {
            var last = new ChatResponseUpdate { Role = ChatRole.Assistant, ResponseId = id, ModelId = chat?.ModelId, FinishReason = reason };
            if (content is not null) last.Contents.Add(content);
            last.Contents.Add(new UsageContent(new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output }));
            return last;
        }
    }

    private static int? Stopped(string text, IEnumerable<string> stops)
    {
        var at = stops.Where(s => s.Length > 0).Select(s => text.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(-1).Min();
        return at < 0 ? null : at;
    }

    /// <summary>What the tools said comes first in the answer.</summary>
    private static string Opening(List<FunctionCallContent> called, List<AIContent> since)
    {
        var results = since.OfType<FunctionResultContent>().Select(r => (Name: called.Find(c => c.CallId == r.CallId)?.Name ?? "the tool", Text: ToolCalls.Result(r))).ToList();
        return string.Concat(results.Select(r => $"{r.Name} says: {Retold(r.Text)} "));
    }

    /// <summary>As a person would say it: the names in a list, the error of what failed; anything else as it is.</summary>
    private static string Retold(string result)
    {
        try
        {
            using var json = JsonDocument.Parse(result);
            if (json.RootElement is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0 && list.EnumerateArray().All(i => i.ValueKind == JsonValueKind.Object && i.TryGetProperty("name", out _)))
                return string.Join(", ", list.EnumerateArray().Select(i => i.GetProperty("name").ToString())) + ".";
            if (json.RootElement is { ValueKind: JsonValueKind.Object } failed && failed.TryGetProperty("error", out var error)) return error.ToString();
        }
        catch (JsonException) { /* words */ }
        return result.Length > 300 ? result[..300] + "…" : result;
    }
}
