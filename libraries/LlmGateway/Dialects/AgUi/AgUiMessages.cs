using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.AgUi;

/// <summary>Makes the messages of a <c>MESSAGES_SNAPSHOT</c>.</summary>
internal static class AgUiMessages
{
    /// <summary>Returns the messages before a run's own: the client's messages, or the run's prompt if the client sends
    /// none, as another device of the user does.</summary>
    public static JsonArray Of(RequestValue body, RunPrompt? prompt, RunName run)
    {
        var messages = body.Items("messages", ChatBody.MaxMessages)
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

    public static JsonObject Call(string id, string name, string arguments) =>
        Object(("id", id), ("type", "function"), ("function", Object(("name", name), ("arguments", arguments))));
}
