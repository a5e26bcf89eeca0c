using System.Text.Json;
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

    private static readonly string[] Untranslatable =
    [
        "response_format",
        "logprobs",
        "logit_bias",
        "functions",
        "function_call",
        "modalities",
        "audio",
        "web_search_options",
    ];

    /// <exception cref="InvalidChatException">A member is missing or invalid; it is named.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers)
    {
        var model =
            ChatBody.Name(body, "model")
            ?? throw new InvalidChatException("model", "you must provide a model parameter");
        var target = providers.Resolve(ChatBody.Name(body, "provider"), model);
        var isNative = target.Provider is "openai" or "local";

        var messages = ChatMessageReader.Read(body);

        if (!isNative)
        {
            RefuseUntranslatable(body, target);
            UntranslatableContent.Refuse(messages);
        }

        if (ChatBody.Count(body, "n") is > 1)
            throw new InvalidChatException("n", "must be 1: only one answer per request is supported");

        ChatBody.Flag(body, "stream");

        var options = new CallOptions
        {
            ModelId = target.Model,
            MaxOutputTokens = ChatBody.Count(body, "max_completion_tokens", "max_tokens"),
            Temperature = ChatBody.Number(body, "temperature", 2),
            TopP = ChatBody.Number(body, "top_p", 1),
            StopSequences = StopSequences(body),
            AllowMultipleToolCalls = ChatBody.OptionalFlag(body, "parallel_tool_calls"),
            NativeBody = isNative ? body : null,
        };

        if (ChatBody.List(body, "tools", ChatBody.MaxTools, "must be an array") is { } tools)
        {
            options.Tools = [.. tools.EnumerateArray().Select((t, i) => Tool(t, i, isNative)).OfType<AITool>()];
            options.ToolMode = Mode(body, isNative);
        }

        return new ChatCall(target, messages, options);
    }

    /// <summary>
    /// Refuses members that change the answer and that another vendor's API lacks. Hints are ignored: <c>seed</c>,
    /// <c>reasoning_effort</c>, penalties.
    /// </summary>
    private static void RefuseUntranslatable(JsonElement body, ChatTarget target)
    {
        foreach (var name in Untranslatable)
            if (ChatBody.Get(body, name) is { } value && !ChatBody.IsDefault(name, value))
                throw new InvalidChatException(
                    name,
                    $"Unsupported parameter: {name}. The provider {target.Provider} has no equivalent; "
                        + "only OpenAI-compatible providers take it.",
                    code: InvalidChatException.UnsupportedParameter
                );
    }

    private static List<string>? StopSequences(JsonElement body)
    {
        if (ChatBody.Get(body, "stop") is not { ValueKind: JsonValueKind.String })
            return ChatBody.StopSequences(body, "stop", MaxStops, "must be a string or an array of strings");
        return [ChatBody.Name(body, "stop", max: ChatBody.MaxStopCharacters)!];
    }

    /// <summary>Reads a function; null: another kind of tool, for a provider with the same API.</summary>
    private static AIFunctionDeclaration? Tool(JsonElement tool, int index, bool isNative)
    {
        var path = $"tools[{index}].";
        if (tool.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException(path.TrimEnd('.'), "must be an object");
        // Other kinds of tools reach only a provider with the same API, in the original body.
        if (ChatBody.Name(tool, "type", path) is not "function" and var kind)
            return isNative
                ? null
                : throw new InvalidChatException(
                    path + "type",
                    $"must be function: only OpenAI-compatible providers take {kind ?? "another kind"}"
                );
        if (ChatBody.Get(tool, "function") is not { ValueKind: JsonValueKind.Object } function)
            throw new InvalidChatException(path + "function", "is required");

        var name = ChatBody.RequiredName(function, "name", path + "function.", "is required", MaxFunctionName);
        var schema = ChatBody.Get(function, "parameters") ?? JsonElement.Parse("""{"type":"object","properties":{}}""");
        return AIFunctionFactory.CreateDeclaration(
            name,
            ChatBody.Text(function, "description", path + "function."),
            schema,
            null
        );
    }

    private static ChatToolMode Mode(JsonElement body, bool isNative) =>
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
                    && ChatBody.Name(function, "name") is { } name
                    && !string.IsNullOrWhiteSpace(name) => ChatToolMode.RequireSpecific(name),
            { ValueKind: JsonValueKind.Object } when isNative => ChatToolMode.Auto, // a custom tool, or a list of tools
            _ => throw new InvalidChatException("tool_choice", "must be none, auto, required, or name a function"),
        };
}
