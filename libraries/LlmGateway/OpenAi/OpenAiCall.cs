using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace LlmGateway.OpenAi;

/// <summary>Reads a chat completions request.</summary>
internal static class OpenAiCall
{
    /// <summary>Stop sequences and characters of a function's name that OpenAI's own API takes.</summary>
    private const int MaxStops = 4,
        MaxFunctionName = 64;

    /// <exception cref="InvalidChatException">What is wrong with which field.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers, LlmOptions limits)
    {
        var model =
            ChatBody.Name(body, "model")
            ?? throw new InvalidChatException("model", "you must provide a model parameter");
        var target = providers.Resolve(ChatBody.Name(body, "provider"), model);
        var messages = OpenAiMessages.Read(body, limits);
        if (ChatBody.Count(body, "n") is > 1)
            throw new InvalidChatException("n", "only one answer a request is supported");
        ChatBody.Flag(body, "stream");
        var options = new ChatOptions
        {
            ModelId = target.Model,
            MaxOutputTokens = ChatBody.Count(body, "max_completion_tokens", "max_tokens"),
            Temperature = ChatBody.Number(body, "temperature", 2),
            TopP = ChatBody.Number(body, "top_p", 1),
            StopSequences = Stops(body, limits),
        };
        if (ChatBody.List(body, "tools", limits.MaxTools, "must be an array") is { } tools)
        {
            options.Tools = [.. tools.EnumerateArray().Select(Tool)];
            options.ToolMode = Mode(body);
        }
        new RawRequest("openai", JsonObject.Create(body)!).AddTo(options);
        return new ChatCall(target, messages, options);
    }

    private static List<string>? Stops(JsonElement body, LlmOptions limits)
    {
        if (ChatBody.Get(body, "stop") is not { ValueKind: JsonValueKind.String })
            return ChatBody.Stops(
                body,
                "stop",
                MaxStops,
                limits.MaxStopCharacters,
                "must be a string or an array of strings"
            );
        return [ChatBody.Name(body, "stop", most: limits.MaxStopCharacters)!];
    }

    private static AITool Tool(JsonElement tool, int index)
    {
        var at = $"tools[{index}].";
        if (tool.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException(at.TrimEnd('.'), "must be an object");
        // Other kinds of tools only a provider of the same language knows; it gets them as they came.
        if (ChatBody.Name(tool, "type", at) is not "function")
            return AIFunctionFactory.CreateDeclaration("unknown", null, default(JsonElement), null);
        if (ChatBody.Get(tool, "function") is not { ValueKind: JsonValueKind.Object } function)
            throw new InvalidChatException(at + "function", "is required");
        var name =
            ChatBody.Name(function, "name", at + "function.", MaxFunctionName)
            ?? throw new InvalidChatException(at + "function.name", "is required");
        var schema = ChatBody.Get(function, "parameters") ?? JsonElement.Parse("""{"type":"object","properties":{}}""");
        return AIFunctionFactory.CreateDeclaration(
            name,
            ChatBody.Text(function, "description", at + "function."),
            schema,
            null
        );
    }

    private static ChatToolMode Mode(JsonElement body) =>
        ChatBody.Get(body, "tool_choice") switch
        {
            null => ChatToolMode.Auto,
            { ValueKind: JsonValueKind.String } word => word.GetString() switch
            {
                "none" => ChatToolMode.None,
                "auto" => ChatToolMode.Auto,
                "required" => ChatToolMode.RequireAny,
                _ => throw new InvalidChatException("tool_choice", "is none, auto, required, or names a function"),
            },
            { ValueKind: JsonValueKind.Object } one
                when ChatBody.Get(one, "function") is { ValueKind: JsonValueKind.Object } function
                    && ChatBody.Text(function, "name") is { } name => ChatToolMode.RequireSpecific(name),
            _ => throw new InvalidChatException("tool_choice", "is none, auto, required, or names a function"),
        };
}
