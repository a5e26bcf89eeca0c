using System.Text.Json;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace LlmGateway.OpenAi;

/// <summary>Reads messages as OpenAI's clients, and the articles', write them.</summary>
internal static class OpenAiMessages
{
    public static List<ChatMessage> Read(JsonElement body, LlmOptions limits)
    {
        var messages =
            ChatBody.List(body, "messages", limits.MaxMessages, "must be an array.")
            ?? throw new InvalidChatException("messages", "is required.");
        if (messages.GetArrayLength() == 0)
            throw new InvalidChatException("messages", "must hold at least one message.");
        return [.. messages.EnumerateArray().Select((m, i) => Message(m, $"messages[{i}].", limits))];
    }

    private static ChatMessage Message(JsonElement json, string at, LlmOptions limits)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException(at.TrimEnd('.'), "must be an object with role and content.");
        var role = ChatBody.Name(json, "role", at) ?? throw new InvalidChatException(at + "role", "is required.");
        var content = ChatBody.Get(json, "content");
        switch (role)
        {
            case "system" or "developer":
                return new ChatMessage(ChatRole.System, Contents(Required(content, at), at, limits));
            case "user":
                return new ChatMessage(ChatRole.User, Contents(Required(content, at), at, limits));
            case "tool" or "function":
                var callId =
                    ChatBody.Name(json, "tool_call_id", at)
                    ?? ChatBody.Name(json, "name", at)
                    ?? throw new InvalidChatException(at + "tool_call_id", "is required.");
                return new ChatMessage(
                    ChatRole.Tool,
                    [
                        new FunctionResultContent(
                            callId,
                            string.Concat(
                                Contents(Required(content, at), at, limits).OfType<TextContent>().Select(t => t.Text)
                            )
                        ),
                    ]
                );
            case "assistant":
                List<AIContent> contents = content is { } said ? Contents(said, at, limits) : [];
                if (ChatBody.List(json, "tool_calls", limits.MaxMessages, "must be an array.", at) is { } calls)
                    contents.AddRange(calls.EnumerateArray().Select((c, i) => Call(c, $"{at}tool_calls[{i}].")));
                else if (content is null && ChatBody.Get(json, "refusal") is null)
                    throw new InvalidChatException(at + "content", "is required where there are no tool_calls.");
                return new ChatMessage(ChatRole.Assistant, contents);
            default:
                throw new InvalidChatException(
                    at + "role",
                    $"'{role}' is none of system, developer, user, assistant, tool."
                );
        }
    }

    private static JsonElement Required(JsonElement? content, string at) =>
        content ?? throw new InvalidChatException(at + "content", "is required.");

    private static List<AIContent> Contents(JsonElement content, string at, LlmOptions limits) =>
        content.ValueKind switch
        {
            JsonValueKind.String => [new TextContent(content.GetString())],
            JsonValueKind.Array when content.GetArrayLength() > limits.MaxMessages => throw new InvalidChatException(
                at + "content",
                $"has at most {limits.MaxMessages} parts."
            ),
            JsonValueKind.Array => [.. content.EnumerateArray().Select((p, i) => Part(p, $"{at}content[{i}]."))],
            _ => throw new InvalidChatException(at + "content", "must be a string or an array of parts."),
        };

    private static AIContent Part(JsonElement part, string at)
    {
        if (part.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException(at.TrimEnd('.'), "must be an object with a type.");
        switch (ChatBody.Name(part, "type", at))
        {
            case "text":
                return new TextContent(
                    ChatBody.Text(part, "text", at) ?? throw new InvalidChatException(at + "text", "is required.")
                );
            case "refusal":
                return new TextContent(ChatBody.Text(part, "refusal", at));
            case "image_url" when ChatBody.Get(part, "image_url") is { ValueKind: JsonValueKind.Object } image:
                var url = ChatBody.Text(image, "url", at) ?? "";
                if (!Uri.TryCreate(url, UriKind.Absolute, out var uri))
                    throw new InvalidChatException(at + "image_url.url", "must be an absolute URL.");
                try
                {
                    return uri.Scheme == "data" ? new DataContent(url) : new UriContent(uri, "image/*");
                }
                catch (Exception e) when (e is ArgumentException or FormatException)
                {
                    throw new InvalidChatException(at + "image_url.url", "is no valid data URL.");
                }
            // Sound and files go only to a provider of the same language, as they came (RawRequest).
            case { Length: > 0 }:
                return new TextContent("");
            default:
                throw new InvalidChatException(at + "type", "is required.");
        }
    }

    private static FunctionCallContent Call(JsonElement call, string at)
    {
        if (
            call.ValueKind != JsonValueKind.Object
            || ChatBody.Get(call, "function") is not { ValueKind: JsonValueKind.Object } function
        )
            throw new InvalidChatException(at + "function", "is required.");
        return ToolCalls.Parse(
            ChatBody.Name(call, "id", at) ?? throw new InvalidChatException(at + "id", "is required."),
            ChatBody.Name(function, "name", at + "function.")
                ?? throw new InvalidChatException(at + "function.name", "is required."),
            ChatBody.Text(function, "arguments", at) ?? "{}"
        );
    }
}
