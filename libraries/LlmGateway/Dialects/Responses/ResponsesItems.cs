using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.Responses;

/// <summary>
/// The items of inputs and outputs:
/// <code>
/// {"type":"message","role":"user","content":[{"type":"input_text","text":"…"}]}
/// {"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}
/// {"type":"function_call_output","call_id":"c1","output":"…"}
/// </code>
/// </summary>
internal static class ResponsesItems
{
    public static JsonObject OutputText(string text, JsonNode? sources = null) =>
        Object(("type", "output_text"), ("text", text), ("annotations", sources ?? new JsonArray()));

    public static JsonObject RefusalPart(string text) => Object(("type", "refusal"), ("refusal", text));

    public static JsonObject Message(string id, string status, string role, JsonArray content) =>
        Object(("id", id), ("type", "message"), ("status", status), ("role", role), ("content", content));

    public static JsonObject Call(string id, string status, FunctionCallContent call, string arguments) =>
        Object(
            ("id", id),
            ("type", "function_call"),
            ("status", status),
            ("call_id", call.CallId),
            ("name", call.Name),
            ("arguments", arguments)
        );

    /// <summary>Returns messages as the items from which they were read.</summary>
    /// <param name="run">Id of the run, which makes the ids of the items unique.</param>
    public static List<JsonObject> Of(IEnumerable<ChatMessage> messages, string run)
    {
        const string status = "completed";
        var items = new List<JsonObject>();
        foreach (var message in messages)
        {
            var parts = new JsonArray();
            foreach (var content in message.Contents)
                switch (content)
                {
                    case FunctionCallContent call:
                        items.Add(Call(Id(), status, call, ToolCalls.Arguments(call)));
                        break;
                    case FunctionResultContent result:
                        items.Add(
                            Object(
                                ("id", Id()),
                                ("type", "function_call_output"),
                                ("status", status),
                                ("call_id", result.CallId),
                                ("output", ToolCalls.Result(result))
                            )
                        );
                        break;
                    case var _ when PartOf(content, message.Role) is { } part:
                        parts.Add((JsonNode)part);
                        break;
                }

            if (parts.Count > 0)
                items.Add(Message(Id(), status, message.Role.Value, parts));
        }

        return items;

        string Id() => $"in_{run}_{items.Count}";
    }

    private static JsonObject? PartOf(AIContent content, ChatRole role) =>
        content switch
        {
            TextContent text when text.IsRefusal() => RefusalPart(text.Text),
            TextContent text when role == ChatRole.Assistant => OutputText(text.Text),
            TextContent text => Object(("type", "input_text"), ("text", text.Text)),
            DataContent data => Image(data.Uri, data.Detail()),
            UriContent uri => Image(uri.Uri.OriginalString, uri.Detail()),
            _ => null,
        };

    private static JsonObject Image(string url, string? detail) =>
        Object(("type", "input_image"), ("image_url", url), ("detail", detail ?? "auto"));
}
