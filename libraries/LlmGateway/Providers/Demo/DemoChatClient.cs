using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Demo;

/// <summary>The built-in model: no key, no network, the same answer to the same prompt, at a steady speed.</summary>
internal sealed class DemoChatClient(DemoOptions options, TimeProvider clock) : WireChatClient
{
    private const int MostNames = 20;

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var all = messages.ToList();
        var asked = all.FindLastIndex(m =>
            m.Role == ChatRole.User && m.Contents.Any(c => c is not FunctionResultContent)
        );
        var prompt = asked < 0 ? "" : all[asked].Text.Trim();
        var since = all.Skip(asked + 1)
            .SelectMany(m => m.Contents)
            .Concat(asked < 0 ? [] : all[asked].Contents)
            .ToList();
        var called = since.OfType<FunctionCallContent>().ToList();
        var id = Guid.CreateVersion7().ToString("N");
        var input = all.Sum(m => DemoText.Count(m.Text));

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
        var said = "";
        var count = 0;
        foreach (var token in tokens)
        {
            if (interval > TimeSpan.Zero)
            {
                // Paced by the clock, not by the sum of waits; a reader that stalled gets no burst afterwards.
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
                if (Stopped(said + token, stops) is { } end)
                {
                    if (end > said.Length)
                        yield return new ChatResponseUpdate(ChatRole.Assistant, token[..(end - said.Length)])
                        {
                            ResponseId = id,
                            ModelId = chat?.ModelId,
                        };
                    yield return Last(ChatFinishReason.Stop, count);
                    yield break;
                }
                // As much as the beginning of a stop sequence may take: what came before was looked through.
                said += token;
                if (said.Length >= longest)
                    said = said[^(longest - 1)..];
            }
            yield return new ChatResponseUpdate(ChatRole.Assistant, token) { ResponseId = id, ModelId = chat?.ModelId };
        }
        yield return Last(
            count >= Math.Min(chat?.MaxOutputTokens ?? DemoText.MostTokens, DemoText.MostTokens)
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

    private static int? Stopped(string text, List<string> stops)
    {
        var at = stops
            .Select(s => text.IndexOf(s, StringComparison.Ordinal))
            .Where(i => i >= 0)
            .DefaultIfEmpty(-1)
            .Min();
        return at < 0 ? null : at;
    }

    /// <summary>What the tools said comes first in the answer.</summary>
    private static string Opening(List<FunctionCallContent> called, List<AIContent> since)
    {
        var names = new Dictionary<string, string>();
        foreach (var call in called)
            names.TryAdd(call.CallId, call.Name);
        return string.Concat(
            since
                .OfType<FunctionResultContent>()
                .Take(DemoText.MostTokens / 2)
                .Select(r => $"{names.GetValueOrDefault(r.CallId, "the tool")} says: {Retold(ToolCalls.Result(r))} ")
        );
    }

    /// <summary>As a person would say it: the names in a list, the error of what failed; anything else as it
    /// is.</summary>
    private static string Retold(string result)
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
                        list.EnumerateArray().Take(MostNames).Select(i => i.GetProperty("name").ToString())
                    ) + "."
                );
            if (
                json.RootElement is { ValueKind: JsonValueKind.Object } failed
                && failed.TryGetProperty("error", out var error)
            )
                return Excerpt(error.ToString());
        }
        catch (JsonException)
        { /* words */
        }
        return Excerpt(result);
    }

    private static string Excerpt(string text) => text.Length > 300 ? text[..300] + "…" : text;
}
