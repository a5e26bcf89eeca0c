using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.AgUi;

/// <summary>The messages of a <c>MESSAGES_SNAPSHOT</c>: those before the run, and those that the run's events
/// make.</summary>
internal sealed class AgUiMessages
{
    private readonly OrderedDictionary<string, (JsonObject Message, StringBuilder Content)> _messages = [];

    /// <summary>Returns the messages before a run's own: the client's messages, or the run's prompt if the client sends
    /// none, as another device of the user does.</summary>
    public static JsonArray Of(JsonElement body, RunPrompt? prompt, RunName run)
    {
        var messages = new RequestValue(body)
            .Items("messages", ChatBody.MaxMessages)
            .Select(message => JsonObject.Create(message.AsObject().Json)!);
        JsonObject[] own =
        [
            .. messages.Where(m => m["id"]?.ToString().StartsWith(run.Id, StringComparison.Ordinal) is not true),
        ];

        return new JsonArray([
            .. own.Length > 0
                ? own
                : (prompt?.Messages ?? []).Select((message, index) => Of(message, $"{run.Id}-asked-{index}")),
        ]);
    }

    /// <summary>Adds an event of the run.</summary>
    public void Add(JsonObject frame)
    {
        var id = (string?)frame["messageId"] ?? "";
        switch ((string?)frame["type"])
        {
            case "TEXT_MESSAGE_START":
                MessageOf(id, "assistant");
                break;
            case "REASONING_MESSAGE_START":
                MessageOf(id, "reasoning");
                break;
            case "TEXT_MESSAGE_CONTENT" or "REASONING_MESSAGE_CONTENT":
                _messages[id].Content.Append((string?)frame["delta"]);
                break;

            case "TOOL_CALL_START":
                var parent = MessageOf((string)frame["parentMessageId"]!, "assistant").Message;
                parent["toolCalls"] ??= new JsonArray();
                parent["toolCalls"]!
                    .AsArray()
                    .Add((JsonNode)Call((string)frame["toolCallId"]!, (string)frame["toolCallName"]!, ""));
                break;
            case "TOOL_CALL_ARGS":
                var last = _messages.Values.Last(m => m.Message["toolCalls"] is not null).Message["toolCalls"]!;
                last[last.AsArray().Count - 1]!["function"]!["arguments"] = (string?)frame["delta"];
                break;

            case "TOOL_CALL_RESULT":
                var (result, content) = MessageOf(id, "tool");
                result["toolCallId"] = (string?)frame["toolCallId"];
                content.Append((string?)frame["content"]);
                break;
        }
    }

    public IEnumerable<JsonObject> All()
    {
        foreach (var (message, content) in _messages.Values)
        {
            // A message that has only calls has no content.
            if (content.Length > 0)
                message["content"] = content.ToString();
            yield return message;
        }
    }

    private (JsonObject Message, StringBuilder Content) MessageOf(string id, string role)
    {
        if (!_messages.TryGetValue(id, out var known))
            _messages[id] = known = (Object(("id", id), ("role", role)), new StringBuilder());
        return known;
    }

    private static JsonObject Of(ChatMessage message, string id)
    {
        var json = Object(
            ("id", message.MessageId ?? id),
            ("role", message.Role.Value),
            ("content", ContentOf(message))
        );
        if (message.Contents.OfType<FunctionCallContent>().ToList() is { Count: > 0 } calls)
            json["toolCalls"] = new JsonArray([.. calls.Select(c => Call(c.CallId, c.Name, ToolCalls.Arguments(c)))]);
        if (message.Contents.OfType<FunctionResultContent>().FirstOrDefault() is { } result)
        {
            json["toolCallId"] = result.CallId;
            json["content"] = ToolCalls.Result(result);
        }

        return json;
    }

    private static JsonNode ContentOf(ChatMessage message)
    {
        if (!message.Contents.Any(content => content is DataContent or UriContent))
            return MessageText.Of(message);
        return new JsonArray([.. message.Contents.Select(Part).OfType<JsonNode>()]);
    }

    private static JsonObject? Part(AIContent content) =>
        content switch
        {
            TextContent text => Event("text", ("text", text.Text)),
            DataContent data => Image(
                Event("data", ("value", data.Base64Data.ToString()), ("mimeType", data.MediaType))
            ),
            UriContent uri => Image(Event("url", ("value", uri.Uri.OriginalString))),
            _ => null,
        };

    private static JsonObject Image(JsonObject source) => Event("image", ("source", source));

    private static JsonObject Call(string id, string name, string arguments) =>
        Object(("id", id), ("type", "function"), ("function", Object(("name", name), ("arguments", arguments))));
}
