using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.VendorApis.ChatCompletions;

/// <summary>Reads the body of a Chat Completions request.</summary>
internal static class ChatCompletionsRequestReader
{
    /// <summary>OpenAI's own limits: stop sequences of a request, characters of a function's name.</summary>
    private const int MaxStops = 4,
        MaxFunctionName = 64;

    /// <exception cref="InvalidChatException">A member is missing or invalid; it is named.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers, LlmOptions limits)
    {
        var model =
            ChatBody.Name(body, "model")
            ?? throw new InvalidChatException("model", "you must provide a model parameter");
        var target = providers.Resolve(ChatBody.Name(body, "provider"), model);
        var messages = ChatMessageReader.Read(body, limits);
        if (ChatBody.Count(body, "n") is > 1)
            throw new InvalidChatException("n", "must be 1: only one answer per request is supported");
        ChatBody.Flag(body, "stream");
        var options = new ChatOptions
        {
            ModelId = target.Model,
            MaxOutputTokens = ChatBody.Count(body, "max_completion_tokens", "max_tokens"),
            Temperature = ChatBody.Number(body, "temperature", 2),
            TopP = ChatBody.Number(body, "top_p", 1),
            StopSequences = StopSequences(body, limits),
        };
        if (ChatBody.List(body, "tools", limits.MaxTools, "must be an array") is { } tools)
        {
            options.Tools = [.. tools.EnumerateArray().Select(Tool)];
            options.ToolMode = Mode(body);
        }
        new RawRequest("openai", JsonObject.Create(body)!).AddTo(options);
        return new ChatCall(target, messages, options);
    }

    private static List<string>? StopSequences(JsonElement body, LlmOptions limits)
    {
        if (ChatBody.Get(body, "stop") is not { ValueKind: JsonValueKind.String })
            return ChatBody.StopSequences(
                body,
                "stop",
                MaxStops,
                limits.MaxStopCharacters,
                "must be a string or an array of strings"
            );
        return [ChatBody.Name(body, "stop", max: limits.MaxStopCharacters)!];
    }

    private static AITool Tool(JsonElement tool, int index)
    {
        var path = $"tools[{index}].";
        if (tool.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException(path.TrimEnd('.'), "must be an object");
        // Other kinds of tools reach only a provider with the same API, in the original body (RawRequest).
        if (ChatBody.Name(tool, "type", path) is not "function")
            return AIFunctionFactory.CreateDeclaration("unknown", null, default(JsonElement), null);
        if (ChatBody.Get(tool, "function") is not { ValueKind: JsonValueKind.Object } function)
            throw new InvalidChatException(path + "function", "is required");
        var name =
            ChatBody.Name(function, "name", path + "function.", MaxFunctionName)
            ?? throw new InvalidChatException(path + "function.name", "is required");
        var schema = ChatBody.Get(function, "parameters") ?? JsonElement.Parse("""{"type":"object","properties":{}}""");
        return AIFunctionFactory.CreateDeclaration(
            name,
            ChatBody.Text(function, "description", path + "function."),
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
                _ => throw new InvalidChatException("tool_choice", "must be none, auto, required, or name a function"),
            },
            { ValueKind: JsonValueKind.Object } one
                when ChatBody.Get(one, "function") is { ValueKind: JsonValueKind.Object } function
                    && ChatBody.Text(function, "name") is { } name => ChatToolMode.RequireSpecific(name),
            _ => throw new InvalidChatException("tool_choice", "must be none, auto, required, or name a function"),
        };
}
