using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Chat;

/// <summary>The new message of a request, and the tools that its client runs. The messages before it are the chat's
/// own, so those that a client repeats are not read.</summary>
internal sealed record Question(ChatMessage Message, IReadOnlyList<AITool> Tools)
{
    /// <summary>Reads the last message of any of the five clients.</summary>
    public static Question Of(JsonElement body)
    {
        var sent = Get(body, "messages") ?? Get(body, "input") ?? throw new BadHttpRequestException("No messages.");
        var last = LastOf(sent);
        // A message has its text itself, or in parts.
        var part = LastOf(Get(last, "content") ?? Get(last, "parts") ?? last);
        var message = ResultOf(last) ?? ResultOf(part);
        return new(message ?? new ChatMessage(ChatRole.User, TextOf(part)), [.. ToolsOf(body)]);
    }

    /// <summary>Returns the result of a tool: the client's answer to a call of the model.</summary>
    private static ChatMessage? ResultOf(JsonElement json)
    {
        var id =
            Get(json, "tool_call_id") ?? Get(json, "toolCallId") ?? Get(json, "tool_use_id") ?? Get(json, "call_id");
        var result = Get(json, "output") ?? Get(json, "content");
        return id is { } call && result is { } value
            ? new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.GetString()!, TextOf(LastOf(value)))])
            : null;
    }

    private static IEnumerable<AITool> ToolsOf(JsonElement body)
    {
        if (Get(body, "tools") is not { ValueKind: JsonValueKind.Array } tools)
            yield break;

        foreach (var tool in tools.EnumerateArray().Select(tool => Get(tool, "function") ?? tool))
            yield return AIFunctionFactory.CreateDeclaration(
                Get(tool, "name")?.GetString() ?? throw new BadHttpRequestException("A tool has no name."),
                Get(tool, "description")?.GetString(),
                Get(tool, "parameters") ?? Get(tool, "input_schema") ?? JsonElement.Parse("{}")
            );
    }

    private static JsonElement LastOf(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array && json.GetArrayLength() > 0 ? json[json.GetArrayLength() - 1] : json;

    private static string TextOf(JsonElement json) =>
        json.ValueKind == JsonValueKind.String ? json.GetString()!
        : Get(json, "text") is { ValueKind: JsonValueKind.String } text ? text.GetString()!
        : json.GetRawText();

    private static JsonElement? Get(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) ? value : null;
}
