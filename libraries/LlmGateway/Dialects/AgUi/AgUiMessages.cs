using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.AgUi;

/// <summary>The messages of a <c>MESSAGES_SNAPSHOT</c>: those before the run, and those that the run's events
/// make.</summary>
internal sealed class AgUiMessages
{
    private readonly OrderedDictionary<string, JoinedDeltas> _messages = [];
    private string _caller = "";
    private int _calls;

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

    public IEnumerable<JsonObject> All() => _messages.Values.Select(message => message.ToJson());

    /// <summary>Adds an event of the run.</summary>
    public void Add(JsonObject frame)
    {
        var type = TextOf("type");
        var id = TextOf("messageId");
        switch (type)
        {
            case "TEXT_MESSAGE_START":
                Join(id, ("id", id), ("role", "assistant"));
                break;
            case "REASONING_MESSAGE_START":
                Join(id, ("id", id), ("role", "reasoning"));
                break;
            case "TEXT_MESSAGE_CONTENT" or "REASONING_MESSAGE_CONTENT":
                Join(id, ("content", TextOf("delta")));
                break;
            case "REASONING_ENCRYPTED_VALUE":
                Join(TextOf("entityId"), ("encryptedValue", TextOf("encryptedValue")));
                break;
            case "TOOL_CALL_START":
                _caller = TextOf("parentMessageId");
                _calls++;
                var call = Call(TextOf("toolCallId"), TextOf("toolCallName"), "");
                call["index"] = _calls;
                Join(_caller, ("id", _caller), ("role", "assistant"), ("toolCalls", new JsonArray(call)));
                break;
            case "TOOL_CALL_ARGS":
                var more = Object(("index", _calls), ("function", Object(("arguments", TextOf("delta")))));
                Join(_caller, ("toolCalls", new JsonArray(more)));
                break;
            case "TOOL_CALL_RESULT":
                var (callId, content) = (TextOf("toolCallId"), TextOf("content"));
                Join(id, ("id", id), ("role", "tool"), ("toolCallId", callId), ("content", content));
                break;
        }

        string TextOf(string name) => (string?)frame[name] ?? "";
    }

    private void Join(string id, params ReadOnlySpan<(string Name, JsonNode? Value)> members)
    {
        _messages.TryAdd(id, new JoinedDeltas());
        _messages[id].Add(Object(members));
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
