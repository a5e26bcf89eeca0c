using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects.UiMessages;

/// <summary>
/// Reads the body of a request of AI SDK's transport. The members that a page adds (the transport's option
/// <c>body</c>) are those of OpenAI's Chat Completions API: <c>model</c>, <c>max_tokens</c>, <c>tools</c>, …
/// <code>{"id":"chat","trigger":"submit-message","messages":[{"id":"m1","role":"user","parts":[…]}]}</code>
/// </summary>
internal static class UiMessagesRequestReader
{
    /// <returns>The chat's id, the call, and the prompt to store. <see cref="RunPrompt.Asked"/> is the client's message
    /// that the answer continues, or null.</returns>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static (string Chat, ChatCall Call, RunPrompt Prompt) Read(JsonElement body, ChatProviders providers)
    {
        body.CheckMembers([.. ChatOptionsReader.Members, "id", "trigger", "messageId"]);
        var chat = ChatBody.RequiredName(body, "id", "", "is required: the chat's id.");
        // Both triggers send all messages to answer.
        if (ChatBody.Name(body, "trigger") is not (null or "submit-message" or "regenerate-message"))
            throw new InvalidChatException("trigger", "must be submit-message or regenerate-message.");

        var target = providers.Resolve(ChatBody.Name(body, "provider"), ChatBody.Name(body, "model"));
        var list =
            ChatBody.List(body, "messages", ChatBody.MaxMessages, "must be an array.")
            ?? throw new InvalidChatException("messages", "is required.");
        var messages = list.EnumerateArray().SelectMany((m, i) => Messages(m, $"messages[{i}].")).ToList();
        if (messages.Count == 0)
            throw new InvalidChatException("messages", "must hold at least one message with content.");
        UntranslatableContent.Refuse(messages);

        var call = new ChatCall(target, messages, ChatOptionsReader.Read(body, target, isNative: false))
        {
            Bytes = ChatBody.MemoryOf(body),
        };

        return (chat, call, new RunPrompt("ai-sdk", messages, Asked: ContinuedOf(body)));
    }

    /// <summary>Returns the client's message that an answer continues: the last message of the body, or null if that
    /// message is not the assistant's.</summary>
    /// <exception cref="InvalidChatException">The body has no messages, or the last one is malformed.</exception>
    public static JsonObject? ContinuedOf(JsonElement body)
    {
        var messages =
            ChatBody.List(body, "messages", int.MaxValue, "must be an array.")
            ?? throw new InvalidChatException("messages", "is required.");
        var index = messages.GetArrayLength() - 1;
        if (index < 0)
            throw new InvalidChatException("messages", "must hold at least one message.");

        var path = $"messages[{index}].";
        var last = ChatBody.Object(messages[index], path);
        ChatBody.Name(last, "id", path);
        return ChatBody.RequiredName(last, "role", path, "is required.") == "assistant"
            ? JsonObject.Create(last)
            : null;
    }

    /// <summary>Reads a message. An answer of several steps becomes two messages for each step: one of the model, and
    /// one of its tools.</summary>
    private static List<ChatMessage> Messages(JsonElement json, string path)
    {
        var role = ChatBody.Name(ChatBody.Object(json, path), "role", path) switch
        {
            "user" => ChatRole.User,
            "system" => ChatRole.System,
            "assistant" => ChatRole.Assistant,
            var other => throw new InvalidChatException(
                path + "role",
                $"'{other}' must be one of system, user, assistant."
            ),
        };
        var parts =
            ChatBody.List(json, "parts", ChatBody.MaxMessages, "must be an array.", path)
            ?? throw new InvalidChatException(path + "parts", "is required.");

        var id = ChatBody.Name(json, "id", path);
        var steps = new List<ChatMessage>();
        var (said, results) = (new List<AIContent>(), new List<AIContent>());

        foreach (var (index, part) in parts.EnumerateArray().Index())
        {
            var at = $"{path}parts[{index}].";
            var type = ChatBody.RequiredName(ChatBody.Object(part, at), "type", at, "is required.");
            // A text after a text begins another message of the model.
            var isApart =
                type == "text"
                && role == ChatRole.Assistant
                && said.FindLast(content => content is not TextReasoningContent) is TextContent;
            if (isApart || (results.Count > 0 && !IsTool(type)))
                EndStep();

            if (IsTool(type))
                ReadTool(part, type, at, said, results);
            else if (Content(part, type, at) is { } content)
                said.Add(content);
        }

        EndStep();
        return steps;

        void EndStep()
        {
            if (said.Count > 0)
                steps.Add(new ChatMessage(role, [.. said]) { MessageId = id });
            if (results.Count > 0)
                steps.Add(new ChatMessage(ChatRole.Tool, [.. results]));
            said.Clear();
            results.Clear();
        }
    }

    public static bool IsTool(string type) =>
        type == "dynamic-tool" || type.StartsWith("tool-", StringComparison.Ordinal);

    /// <summary>Reads a part, or returns null if only the page uses it.</summary>
    private static AIContent? Content(JsonElement part, string type, string path) =>
        type switch
        {
            "text" => new TextContent(ChatBody.RequiredText(part, "text", path)),
            "file" when ChatBody.Name(part, "mediaType", path) is { } media => media.StartsWith(
                "image/",
                StringComparison.Ordinal
            )
                ? ChatMessageReader.Image(ChatBody.Text(part, "url", path) ?? "", path + "url")
                : new UntranslatableContent(path + "mediaType", media),
            "reasoning" when UiMessagesFormat.SignatureOf(part, path) is { } signature => OwnReasoning.Unpack(
                ChatBody.Text(part, "text", path),
                signature
            ),
            "step-start" or "reasoning" or "reasoning-file" or "source-url" or "source-document" => null,
            _ when type.StartsWith("data-", StringComparison.Ordinal) => null,
            _ => new UntranslatableContent(path + "type", type),
        };

    /// <summary>Reads a call and its result. A call without a result is left out, because no model takes it.</summary>
    private static void ReadTool(
        JsonElement part,
        string type,
        string path,
        List<AIContent> said,
        List<AIContent> results
    )
    {
        var id = ChatBody.RequiredName(part, "toolCallId", path, "is required.");
        var name =
            type == "dynamic-tool"
                ? ChatBody.RequiredName(part, "toolName", path, "is required.")
                : type["tool-".Length..];

        var state = ChatBody.Name(part, "state", path);
        var result = state switch
        {
            "output-available" => ChatBody.Get(part, "output") is { } output ? TextOf(output) : "",
            "output-error" => ChatBody.Text(part, "errorText", path) ?? "",
            "output-denied" => "The user has denied this call.",
            _ => null,
        };
        if (result is null)
            return;

        var input = ChatBody.Get(part, "input") ?? ChatBody.Get(part, "rawInput");
        said.Add(ToolCalls.Parse(id, name, input is { } given ? TextOf(given) : "{}"));
        results.Add(
            UntranslatableContent.ToolResult(id, [new TextContent(result)], path, state is not "output-available")
        );
    }

    private static string TextOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
