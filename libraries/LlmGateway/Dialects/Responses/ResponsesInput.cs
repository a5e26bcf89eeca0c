using System.Text.Json;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects.Responses;

/// <summary>Reads an input: a text, or items. The item <c>{"type":"item_reference","id":"msg_…"}</c> stands for an item
/// of an earlier output.</summary>
internal static class ResponsesInput
{
    /// <summary>Most items of a request, and most parts of a message.</summary>
    private const int MaxItems = ChatBody.MaxMessages;

    /// <param name="body">The request.</param>
    /// <param name="past">The items that the request refers to, and the earlier calls whose results it may
    /// have.</param>
    public static List<ChatMessage> Read(JsonElement body, ResponsesPast past)
    {
        var messages = new List<ChatMessage>();
        var calls = past
            .Messages.SelectMany(message => message.Contents)
            .OfType<FunctionCallContent>()
            .Select(call => call.CallId)
            .ToHashSet();
        if (ChatBody.Get(body, "input") is { ValueKind: JsonValueKind.String } text)
            messages.Add(new ChatMessage(ChatRole.User, text.GetString()));
        else
            foreach (var (item, path) in ItemsOf(body))
                Add(messages, calls, item, path, past.Items);

        UntranslatableContent.Refuse(messages);
        return messages.Count > 0
            ? messages
            : throw new InvalidChatException("input", "must hold at least one message.");
    }

    /// <summary>Returns the ids of the items that a request refers to.</summary>
    public static IEnumerable<string> ReferencesOf(JsonElement body)
    {
        if (ChatBody.Get(body, "input") is not { ValueKind: JsonValueKind.String })
            foreach (var (item, path) in ItemsOf(body))
                if (IsReference(item, path))
                    yield return IdOf(item, path);
    }

    private static IEnumerable<(JsonElement Item, string Path)> ItemsOf(JsonElement body)
    {
        var input =
            ChatBody.List(body, "input", MaxItems, "must be a string or an array of items")
            ?? throw new InvalidChatException("input", "is required");
        return input.EnumerateArray().Select((item, i) => (ChatBody.Object(item, $"input[{i}]."), $"input[{i}]."));
    }

    private static bool IsReference(JsonElement item, string path) =>
        ChatBody.Name(item, "type", path) == "item_reference";

    private static string IdOf(JsonElement item, string path) => ChatBody.RequiredName(item, "id", path, "is required");

    private static void Add(
        List<ChatMessage> messages,
        HashSet<string> calls,
        JsonElement item,
        string path,
        IReadOnlyDictionary<string, JsonElement> known
    )
    {
        switch (ChatBody.Name(item, "type", path))
        {
            case null or "message":
                var role = RoleOf(item, path);
                var contents = Contents(
                    ChatBody.Get(item, "content") ?? throw new InvalidChatException(path + "content", "is required"),
                    path + "content"
                );
                Append(messages, role, contents);
                break;

            case "function_call":
                var call = ToolCalls.Parse(
                    ChatBody.RequiredName(item, "call_id", path, "is required"),
                    ChatBody.RequiredName(item, "name", path, "is required"),
                    ChatBody.Text(item, "arguments", path) is { Length: > 0 } arguments ? arguments : "{}"
                );
                calls.Add(call.CallId);
                Append(messages, ChatRole.Assistant, [call]);
                break;

            case "function_call_output":
                var output = Contents(
                    ChatBody.Get(item, "output") ?? throw new InvalidChatException(path + "output", "is required"),
                    path + "output"
                );
                var id = ChatBody.RequiredName(item, "call_id", path, "is required");
                if (!calls.Contains(id))
                    throw new InvalidChatException(path + "call_id", $"no item before it has the call '{id}'.");
                Append(messages, ChatRole.Tool, [UntranslatableContent.ToolResult(id, output, path + "output")]);
                break;

            case "item_reference":
                var name = IdOf(item, path);
                var found = known.TryGetValue(name, out var one)
                    ? one
                    : throw new InvalidChatException(path + "id", $"there is no item '{name}' here");
                Add(messages, calls, found, path, known);
                break;

            // Only the provider that made the reasoning takes it.
            case "reasoning" when ChatBody.Text(item, "encrypted_content", path) is { } signature:
                var summary = ChatBody.List(item, "summary", MaxItems, "must be an array", path);
                var parts = summary?.EnumerateArray().Select((s, i) => ChatBody.Object(s, $"{path}summary[{i}]."));
                var thought = string.Concat(parts?.Select(part => ChatBody.Text(part, "text", path)) ?? []);
                if (OwnReasoning.Unpack(thought, signature) is { } reasoning)
                    Append(messages, ChatRole.Assistant, [reasoning]);
                break;
            case "reasoning":
                break;

            case var kind:
                throw new InvalidChatException(path + "type", $"'{kind}' cannot be sent to this model.");
        }
    }

    /// <summary>Adds contents to the last message if both are the assistant's, since other APIs have a text and all its
    /// calls in one message. A text after a text is another message.</summary>
    private static void Append(List<ChatMessage> messages, ChatRole role, List<AIContent> contents)
    {
        var last = messages.LastOrDefault();
        var isApart =
            contents.Exists(c => c is TextContent or TextReasoningContent)
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

    private static ChatRole RoleOf(JsonElement item, string path) =>
        ChatBody.Name(item, "role", path) switch
        {
            null => throw new InvalidChatException(path + "role", "is required"),
            "system" or "developer" => ChatRole.System,
            "user" => ChatRole.User,
            "assistant" => ChatRole.Assistant,
            var role => throw new InvalidChatException(
                path + "role",
                $"'{role}' must be one of system, developer, user, assistant"
            ),
        };

    private static List<AIContent> Contents(JsonElement content, string path) =>
        ChatMessageReader.Contents(content, path, (part, i) => Part(part, $"{path}[{i}]."));

    private static AIContent Part(JsonElement part, string path)
    {
        return ChatBody.Name(ChatBody.Object(part, path), "type", path) switch
        {
            "input_text" or "output_text" => new TextContent(ChatBody.RequiredText(part, "text", path)),
            "refusal" => RefusalText.Of(ChatBody.Text(part, "refusal", path)),
            "input_image" when ChatBody.Text(part, "image_url", path) is { } url => ChatMessageReader
                .Image(url, path + "image_url")
                .WithDetail(ChatBody.Name(part, "detail", path)),
            { Length: > 0 } kind => new UntranslatableContent(path + "type", kind),
            _ => throw new InvalidChatException(path + "type", "is required"),
        };
    }
}
