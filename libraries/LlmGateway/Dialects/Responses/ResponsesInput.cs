using LlmGateway.Providers;
using LlmGateway.Requests;

namespace LlmGateway.Dialects.Responses;

/// <summary>Reads an input: a text, or items. The item <c>{"type":"item_reference","id":"msg_…"}</c> stands for an item
/// of an earlier output.</summary>
internal static class ResponsesInput
{
    private const string Reference = "item_reference";

    /// <summary>Readers of items other than messages.</summary>
    private static readonly Dictionary<string, Func<RequestValue, RequestTable, AIContent?>> Items = new()
    {
        ["function_call"] = (item, _) => RequestParts.Call(item, "call_id", item),
        ["function_call_output"] = (item, table) =>
            UntranslatableContent.ToolResult(
                item.RequiredName("call_id"),
                RequestReader.Contents(item.Required("output"), table),
                item.PathOf("output")
            ),
        // Only the provider that made the reasoning takes it.
        ["reasoning"] = (item, _) =>
            item.Text("encrypted_content") is { } signature
                ? OwnReasoning.Unpack(
                    string.Concat(item.Items("summary", ChatBody.MaxMessages).Select(s => s.AsObject().Text("text"))),
                    signature
                )
                : null,
    };

    /// <param name="body">The request.</param>
    /// <param name="past">The items that the request refers to, and the earlier calls whose results it may have. Null
    /// for an application, which may have the calls itself.</param>
    /// <param name="table">The names of the API.</param>
    public static List<ChatMessage> Read(RequestValue body, ResponsesPast? past, RequestTable table)
    {
        var input = body.Required("input");
        if (input.IsText)
            return [new ChatMessage(ChatRole.User, input.AsText())];

        var messages = new List<ChatMessage>();
        var calls = past
            ?.Messages.SelectMany(message => message.Contents)
            .OfType<FunctionCallContent>()
            .Select(call => call.CallId)
            .ToHashSet();
        foreach (var item in ItemsOf(input))
            Add(messages, calls, Referred(item, past?.Items), table);

        return messages.Count > 0 ? messages : throw input.Invalid("must hold at least one message.");
    }

    /// <summary>Returns the ids of the items that a request refers to.</summary>
    public static IEnumerable<string> ReferencesOf(RequestValue body)
    {
        var input = body.Required("input");
        return input.IsText ? [] : ItemsOf(input).Where(IsReference).Select(item => item.RequiredName("id"));
    }

    private static List<RequestValue> ItemsOf(RequestValue input) =>
        input.Items(ChatBody.MaxMessages, "must be a string or an array of items");

    private static bool IsReference(RequestValue item) => item.AsObject().Name("type") == Reference;

    /// <summary>Returns the item that a reference stands for, or the item itself.</summary>
    private static RequestValue Referred(RequestValue item, IReadOnlyDictionary<string, JsonElement>? known) =>
        !IsReference(item) ? item
        : known?.TryGetValue(item.RequiredName("id"), out var found) == true ? item with { Json = found }
        : throw new InvalidChatException(item.PathOf("id"), $"there is no item '{item.Name("id")}' here");

    private static void Add(List<ChatMessage> messages, HashSet<string>? calls, RequestValue item, RequestTable table)
    {
        var type = item.Name("type");
        if (type is null or "message")
        {
            var message = RequestReader.Message(item, table)!;
            Append(messages, message.Role, message.Contents);
        }
        else if (!Items.TryGetValue(type, out var read))
            throw new InvalidChatException(item.PathOf("type"), $"'{type}' cannot be sent to this model.");
        else if (read(item, table) is { } content)
        {
            if (calls is not null)
                RequestReader.CheckCall(content, calls, item.PathOf("call_id"));
            Append(messages, type == "function_call_output" ? ChatRole.Tool : ChatRole.Assistant, [content]);
        }
    }

    /// <summary>Adds contents to the last message if both are the assistant's, since other APIs have a text and all its
    /// calls in one message. A text after a text is another message.</summary>
    private static void Append(List<ChatMessage> messages, ChatRole role, IList<AIContent> contents)
    {
        var last = messages.LastOrDefault();
        var isApart =
            contents.Any(c => c is TextContent or TextReasoningContent)
            && last?.Contents.Any(c => c is TextContent) == true
            && last.Contents.All(c => c is TextContent or TextReasoningContent);
        if (role != ChatRole.Assistant || last is null || last.Role != role || isApart)
        {
            messages.Add(new ChatMessage(role, contents));
            return;
        }

        foreach (var content in contents)
            last.Contents.Add(content);
    }
}
