using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using StreamApi.Chat.Providers;

namespace StreamApi.Chat.Anthropic;

/// <summary>Reads a messages request.</summary>
internal static class AnthropicCall
{
    /// <exception cref="InvalidChatException">What is wrong with which field.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers) => Read(body, providers, isAsked: true);

    /// <summary>The same without <c>max_tokens</c>: nothing is asked of the model.</summary>
    /// <exception cref="InvalidChatException">What is wrong with which field.</exception>
    public static ChatCall ReadToCount(JsonElement body, ChatProviders providers) => Read(body, providers, isAsked: false);

    private static ChatCall Read(JsonElement body, ChatProviders providers, bool isAsked)
    {
        var model = ChatBody.Text(body, "model") ?? throw new InvalidChatException("model", "Field required");
        var most = ChatBody.Count(body, "max_tokens");
        if (most is null && isAsked) throw new InvalidChatException("max_tokens", "Field required");
        var target = providers.Resolve(ChatBody.Text(body, "provider"), model);
        var list = ChatBody.Get(body, "messages") ?? throw new InvalidChatException("messages", "Field required");
        if (list.ValueKind != JsonValueKind.Array) throw new InvalidChatException("messages", "Input should be a valid list");
        if (list.GetArrayLength() == 0) throw new InvalidChatException("messages", "at least one message is required");
        ChatBody.Flag(body, "stream");
        var messages = new List<ChatMessage>();
        if (ChatBody.Get(body, "system") is { } system) messages.Add(new ChatMessage(ChatRole.System, Contents(system, "system")));
        messages.AddRange(list.EnumerateArray().Select((m, i) => Message(m, $"messages.{i}")));
        var options = new ChatOptions
        {
            ModelId = target.Model, MaxOutputTokens = most, Temperature = ChatBody.Number(body, "temperature", 1), TopP = ChatBody.Number(body, "top_p", 1), StopSequences = Stops(body),
        };
        if (ChatBody.Get(body, "tools") is { } tools)
        {
            if (tools.ValueKind != JsonValueKind.Array) throw new InvalidChatException("tools", "Input should be a valid list");
            options.Tools = [.. tools.EnumerateArray().Select(Tool)];
            options.ToolMode = Mode(body);
        }
        new RawRequest("anthropic", JsonObject.Create(body)!).AddTo(options);
        return new ChatCall(target, messages, options);
    }

    private static ChatMessage Message(JsonElement json, string at)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new InvalidChatException(at, "Input should be an object");
        var role = ChatBody.Text(json, "role", at + ".") ?? throw new InvalidChatException($"{at}.role", "Field required");
        var known = role switch { "user" => ChatRole.User, "assistant" => ChatRole.Assistant, "system" => ChatRole.System, _ => throw new InvalidChatException($"{at}.role", "Input should be 'user', 'assistant' or 'system'") };
        var content = ChatBody.Get(json, "content") ?? throw new InvalidChatException($"{at}.content", "Field required");
        return new ChatMessage(known, Contents(content, $"{at}.content"));
    }

    private static List<AIContent> Contents(JsonElement content, string at) => content.ValueKind switch
    {
        JsonValueKind.String => [new TextContent(content.GetString())],
        JsonValueKind.Array => [.. content.EnumerateArray().Select((b, i) => Block(b, $"{at}.{i}"))],
        _ => throw new InvalidChatException(at, "Input should be a string or a list of blocks"),
    };

    private static AIContent Block(JsonElement block, string at)
    {
        if (block.ValueKind != JsonValueKind.Object) throw new InvalidChatException(at, "Input should be an object");
        string Required(string name) => ChatBody.Text(block, name, at + ".") ?? throw new InvalidChatException($"{at}.{name}", "Field required");
        switch (Required("type"))
        {
            case "text": return new TextContent(Required("text"));
            case "tool_use": return ToolCalls.Parse(Required("id"), Required("name"), ChatBody.Get(block, "input")?.GetRawText() ?? "{}");
            case "tool_result":
                var said = ChatBody.Get(block, "content") is { } content ? string.Concat(Contents(content, at + ".content").OfType<TextContent>().Select(t => t.Text)) : "";
                return new FunctionResultContent(Required("tool_use_id"), said);
            case "image" when ChatBody.Get(block, "source") is { ValueKind: JsonValueKind.Object } source:
                try
                {
                    return ChatBody.Text(source, "type") == "url" && Uri.TryCreate(ChatBody.Text(source, "url"), UriKind.Absolute, out var uri) ? new UriContent(uri, "image/*")
                        : new DataContent($"data:{ChatBody.Text(source, "media_type")};base64,{ChatBody.Text(source, "data")}");
                }
                catch (Exception e) when (e is ArgumentException or FormatException) { throw new InvalidChatException($"{at}.source", "is no valid image"); }
            // Thinking, documents and what is to come only a provider of the same language knows; it gets them as they came.
            default: return new TextContent("");
        }
    }

    private static List<string>? Stops(JsonElement body)
    {
        if (ChatBody.Get(body, "stop_sequences") is not { } stops) return null;
        if (stops.ValueKind != JsonValueKind.Array || stops.EnumerateArray().Any(s => s.ValueKind != JsonValueKind.String)) throw new InvalidChatException("stop_sequences", "Input should be a list of strings");
        return [.. stops.EnumerateArray().Select(s => s.GetString()!)];
    }

    private static AIFunctionDeclaration Tool(JsonElement tool, int index)
    {
        if (tool.ValueKind != JsonValueKind.Object) throw new InvalidChatException($"tools.{index}", "Input should be an object");
        var name = ChatBody.Text(tool, "name", $"tools.{index}.") ?? throw new InvalidChatException($"tools.{index}.name", "Field required");
        return AIFunctionFactory.CreateDeclaration(name, ChatBody.Text(tool, "description", $"tools.{index}."), ChatBody.Get(tool, "input_schema") ?? JsonElement.Parse("""{"type":"object","properties":{}}"""), null);
    }

    private static ChatToolMode Mode(JsonElement body)
    {
        if (ChatBody.Get(body, "tool_choice") is not { } choice) return ChatToolMode.Auto;
        if (choice.ValueKind != JsonValueKind.Object) throw new InvalidChatException("tool_choice", "Input should be an object");
        return ChatBody.Text(choice, "type", "tool_choice.") switch
        {
            "auto" => ChatToolMode.Auto,
            "any" => ChatToolMode.RequireAny,
            "none" => ChatToolMode.None,
            "tool" => ChatToolMode.RequireSpecific(ChatBody.Text(choice, "name", "tool_choice.") ?? throw new InvalidChatException("tool_choice.name", "Field required")),
            _ => throw new InvalidChatException("tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'"),
        };
    }
}
