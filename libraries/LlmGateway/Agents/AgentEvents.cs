using System.Text;
using EventStore;

namespace LlmGateway.Agents;

/// <summary>
/// Makes the events of an agent's answer, and reads them back: for the model as updates, and for clients without the
/// member <c>details</c>. That member is in the first call of each request to the model, with the reasoning before the
/// calls, which only the model gets.
/// </summary>
internal static class AgentEvents
{
    public const string Content = "content",
        ToolUse = "tool_use",
        ToolResult = "tool_result",
        End = "end",
        MessageEnd = "message_end";

    private const string NoResult = "The server stopped. The tool may have run: it has no result.";

    /// <summary>The parts of a session's answer that its model said or got, and its end.</summary>
    public static readonly string[] OfSession = [Content, ToolUse, ToolResult, MessageEnd];

    /// <summary>Makes an event with text, which is in two members because the two articles' clients read different
    /// ones.</summary>
    public static RunEvent TextOf(string text) => RunEvent.Of(Content, new AgentContent(Content, text, text));

    /// <param name="reasoning">The reasoning before the first call of a request to the model, or null for the calls
    /// after that one.</param>
    public static RunEvent CallOf(FunctionCallContent call, IList<AIContent>? reasoning)
    {
        var used = new AgentToolUse(ToolUse, call.CallId, call.Name, ToolCalls.InputOrText(call));
        var bare = RunEvent.Of(ToolUse, used);
        return reasoning is null
            ? bare
            : RunEvent.Of(ToolUse, used with { Details = StoredContents.Of(reasoning, bare) ?? StoredContents.None });
    }

    public static RunEvent ResultOf(FunctionCallContent call, object? output, TimeSpan duration)
    {
        var milliseconds = Math.Round(duration.TotalMilliseconds, digits: 3);
        return RunEvent.Of(ToolResult, new AgentToolResult(ToolResult, call.CallId, call.Name, output, milliseconds));
    }

    /// <summary>Makes the event after an answer.</summary>
    /// <param name="key">Key of the session's message, or null for a question outside a session.</param>
    /// <param name="cut">Why the answer is not whole, as a finish reason, or null if it is.</param>
    public static RunEvent EndOf(string? key, string? cut = null) =>
        key is null
            ? RunEvent.Of(End, new AgentEnd(End, cut))
            : RunEvent.Of(MessageEnd, new AgentEnd(MessageEnd, cut)) with
            {
                Key = key,
            };

    /// <summary>Makes the events that end an answer that has failed. A session goes on after such an answer.</summary>
    /// <param name="key">Key of the session's message, or null for a question outside a session.</param>
    public static RunEvent[] Failed(string? key, string error, string reason)
    {
        var failed = RunEvent.Of("error", new RunError("error", error, Fatal: key is null, reason));
        return key is null ? [failed] : [failed, EndOf(key)];
    }

    /// <summary>Makes the events that end an answer whose process stops or dies.</summary>
    /// <param name="key">Key of the session's message, or null for a question outside a session.</param>
    /// <param name="more">Text about the calls of tools, or null if no tool was called. Only then may the message be
    /// sent again.</param>
    public static RunEvent[] Closing(string? key, string? more = null)
    {
        more ??= key is null ? "" : " Send the message again.";
        return Failed(key, $"The server stopped before the answer was complete.{more}", "interrupted");
    }

    /// <summary>Reads an answer as updates. Each call has a result, because no model takes a call without one, and the
    /// calls of one request follow each other, as the model has made them.</summary>
    public static List<ChatResponseUpdate> UpdatesOf(IEnumerable<RunEntry> events)
    {
        var updates = new List<ChatResponseUpdate>();
        var afterCall = 0;
        foreach (var entry in events)
        {
            using var json = JsonDocument.Parse(entry.Data);
            if (GenerationEvents.UpdateOf(entry.Type, json.RootElement) is not { } update)
                continue;

            var isCall = entry.Type == ToolUse;
            var goesOn = isCall && afterCall > 0 && !json.RootElement.TryGetProperty("details"u8, out _);
            var place = goesOn ? afterCall : updates.Count;
            updates.Insert(place, update);
            afterCall = isCall ? place + 1 : afterCall;
        }

        // The tools run one after the other, so only the last call may have no result.
        if (updates.LastOrDefault()?.Contents is [.., FunctionCallContent open])
            updates.Add(GenerationEvents.ResultOf(open.CallId, NoResult));
        return updates;
    }

    /// <summary>Reads an answer as its clients get it, with consecutive text in one event.</summary>
    public static List<JsonElement> ShownOf(IEnumerable<RunEntry> events)
    {
        var shown = new List<JsonElement>();
        var text = new StringBuilder();
        foreach (var entry in events)
        {
            var data = GenerationEvents.WithoutDetails(Encoding.UTF8.GetBytes(entry.Data));
            var json = JsonElement.Parse(data.Span);
            if (entry.Type == Content)
                text.Append(json.GetProperty("data").GetString());
            else
            {
                CompleteText();
                shown.Add(json);
            }
        }

        CompleteText();
        return shown;

        void CompleteText()
        {
            var whole = new JsonObject { ["type"] = Content, ["data"] = text.ToString() };
            if (text.Length > 0)
                shown.Add(JsonSerializer.SerializeToElement(whole, RunJson.Options.TypeOf<JsonObject>()));
            text.Clear();
        }
    }
}

// Data of the events.

internal sealed record AgentContent(string Type, string Content, string Data);

internal sealed record AgentToolUse(
    string Type,
    string Id,
    string Tool,
    JsonNode Input,
    StoredContents? Details = null
);

internal sealed record AgentToolResult(string Type, string Id, string Tool, object? Output, double DurationMs);

/// <param name="Type">Type of the event.</param>
/// <param name="FinishReason">Why the answer is not whole: <c>length</c> or <c>content_filter</c>. Null if it
/// is.</param>
internal sealed record AgentEnd(string Type, string? FinishReason = null);

/// <summary>The result of a tool that failed.</summary>
internal sealed record ToolError(string Error);
