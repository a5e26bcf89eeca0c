using System.Text.Json;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace LlmGateway.Requests;

/// <summary>Reads the member <c>messages</c> in the format of OpenAI's Chat Completions API.</summary>
internal static class ChatMessageReader
{
    public static List<ChatMessage> Read(JsonElement body)
    {
        var messages =
            ChatBody.List(body, "messages", ChatBody.MaxMessages, "must be an array.")
            ?? throw new InvalidChatException("messages", "is required.");
        if (messages.GetArrayLength() == 0)
            throw new InvalidChatException("messages", "must hold at least one message.");
        return [.. messages.EnumerateArray().Select((m, i) => Message(m, $"messages[{i}]."))];
    }

    private static ChatMessage Message(JsonElement json, string path)
    {
        var role =
            ChatBody.Name(ChatBody.Object(json, path), "role", path)
            ?? throw new InvalidChatException(path + "role", "is required.");
        var content = ChatBody.Get(json, "content");

        switch (role)
        {
            case "system" or "developer":
                return new ChatMessage(ChatRole.System, Contents(Required(content, path), path));
            case "user":
                return new ChatMessage(ChatRole.User, Contents(Required(content, path), path));
            case "tool" or "function":
                var callId =
                    ChatBody.Name(json, "tool_call_id", path)
                    ?? ChatBody.Name(json, "name", path)
                    ?? throw new InvalidChatException(path + "tool_call_id", "is required.");
                var parts = Contents(Required(content, path), path);
                return new ChatMessage(
                    ChatRole.Tool,
                    [UntranslatableContent.ToolResult(callId, parts, path + "content")]
                );
            case "assistant":
                List<AIContent> contents = content is { } present ? Contents(present, path) : [];
                if (ChatBody.Text(json, "refusal", path) is { Length: > 0 } refusal)
                    contents.Add(RefusalText.Of(refusal));
                if (ChatBody.List(json, "tool_calls", ChatBody.MaxMessages, "must be an array.", path) is { } calls)
                    contents.AddRange(calls.EnumerateArray().Select((c, i) => Call(c, $"{path}tool_calls[{i}].")));
                else if (OpenAiOnly(json) is { } member)
                    contents.Add(new UntranslatableContent(path + member, member));
                else if (content is null && ChatBody.Get(json, "refusal") is null)
                    throw new InvalidChatException(path + "content", "is required if there are no tool_calls.");
                return new ChatMessage(ChatRole.Assistant, contents);
            default:
                throw new InvalidChatException(
                    path + "role",
                    $"'{role}' must be one of system, developer, user, assistant, tool."
                );
        }
    }

    /// <summary>Returns the name of the member that replaces the content in answers to <c>functions</c> or
    /// <c>audio</c>.</summary>
    private static string? OpenAiOnly(JsonElement assistant) =>
        ChatBody.Get(assistant, "function_call") is not null ? "function_call"
        : ChatBody.Get(assistant, "audio") is not null && ChatBody.Get(assistant, "content") is null ? "audio"
        : null;

    private static JsonElement Required(JsonElement? content, string path) =>
        content ?? throw new InvalidChatException(path + "content", "is required.");

    /// <summary>Reads a text, or a list of parts.</summary>
    /// <param name="content">The text, or the list.</param>
    /// <param name="path">Its path in the request.</param>
    /// <param name="partOf">Reads a part with its index.</param>
    /// <param name="typeError">Message if the content is of another type.</param>
    public static List<AIContent> Contents(
        JsonElement content,
        string path,
        Func<JsonElement, int, AIContent> partOf,
        string typeError = "must be a string or an array of parts."
    ) =>
        content.ValueKind switch
        {
            JsonValueKind.String => [new TextContent(content.GetString())],
            JsonValueKind.Array when content.GetArrayLength() <= ChatBody.MaxMessages =>
            [
                .. content.EnumerateArray().Select(partOf),
            ],
            JsonValueKind.Array => throw new InvalidChatException(path, $"has at most {ChatBody.MaxMessages} parts."),
            _ => throw new InvalidChatException(path, typeError),
        };

    private static List<AIContent> Contents(JsonElement content, string path) =>
        Contents(content, path + "content", (part, i) => Part(part, $"{path}content[{i}]."));

    private static AIContent Part(JsonElement part, string path)
    {
        switch (ChatBody.Name(ChatBody.Object(part, path), "type", path))
        {
            case "text":
                return new TextContent(ChatBody.RequiredText(part, "text", path));
            case "refusal":
                return new TextContent(ChatBody.Text(part, "refusal", path));
            case "image_url" when ChatBody.Get(part, "image_url") is { ValueKind: JsonValueKind.Object } image:
                return Image(ChatBody.Text(image, "url", path) ?? "", path + "image_url.url")
                    .WithDetail(ChatBody.Name(image, "detail", path + "image_url."));
            // Audio and files reach only a provider with the same API, in the original body.
            case { Length: > 0 } kind:
                return new UntranslatableContent(path + "type", kind);
            default:
                throw new InvalidChatException(path + "type", "is required.");
        }
    }

    /// <summary>Reads the address of an image, or the image itself as a data URL.</summary>
    public static AIContent Image(string url, string path)
    {
        // A file path is an absolute URL too, and would name a file of this server.
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https" or "data"))
            throw new InvalidChatException(path, "must be an absolute URL of http or https, or a data URL.");

        try
        {
            if (uri.Scheme != "data")
                return new UriContent(uri, "image/*");

            var data = new DataContent(url);
            return data.HasTopLevelMediaType("image")
                ? data
                : throw new InvalidChatException(path, $"must be an image; its type is {data.MediaType}.");
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw new InvalidChatException(path, "must be a valid data URL.");
        }
    }

    public static FunctionCallContent Call(JsonElement call, string path)
    {
        if (
            call.ValueKind != JsonValueKind.Object
            || ChatBody.Get(call, "function") is not { ValueKind: JsonValueKind.Object } function
        )
            throw new InvalidChatException(path + "function", "is required.");
        return ToolCalls.Parse(
            ChatBody.Name(call, "id", path) ?? throw new InvalidChatException(path + "id", "is required."),
            ChatBody.Name(function, "name", path + "function.")
                ?? throw new InvalidChatException(path + "function.name", "is required."),
            ChatBody.Text(function, "arguments", path) is { Length: > 0 } arguments ? arguments : "{}"
        );
    }
}
