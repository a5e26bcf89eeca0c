using System.Text.Json;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace LlmGateway.Requests;

/// <summary>Reads the options of a request, in the format of OpenAI's Chat Completions API.</summary>
internal static class ChatOptionsReader
{
    /// <summary>OpenAI's own limits: stop sequences of a request, characters of a function's name.</summary>
    private const int MaxStops = 4,
        MaxFunctionName = 64;

    private static readonly string[] Untranslatable =
    [
        "logprobs",
        "logit_bias",
        "functions",
        "function_call",
        "modalities",
        "moderation",
        "audio",
        "web_search_options",
    ];

    /// <summary>The members of OpenAI's Chat Completions API (npm <c>openai</c> 7.55.0), and this gateway's
    /// own.</summary>
    public static readonly string[] Members =
    [
        .. (
            "frequency_penalty max_completion_tokens max_tokens maxTokens messages metadata model n "
            + "parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options "
            + "prompt_cache_retention provider reasoning_effort response_format safety_identifier seed service_tier "
            + "stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity"
        ).Split(' '),
        .. Untranslatable,
    ];

    /// <param name="body">The request.</param>
    /// <param name="target">The model.</param>
    /// <param name="isNative">True if the model's provider has the same API, and gets the whole body.</param>
    /// <exception cref="InvalidChatException">A member is invalid, or means nothing to the provider.</exception>
    public static CallOptions Read(JsonElement body, ChatTarget target, bool isNative)
    {
        if (!isNative)
            RefuseUntranslatable(body, target);
        if (ChatBody.Count(body, "n") is > 1)
            throw new InvalidChatException("n", "must be 1: only one answer per request is supported");

        var options = new CallOptions
        {
            ModelId = target.Model,
            MaxOutputTokens = ChatBody.Count(body, "max_completion_tokens", "max_tokens", "maxTokens"),
            Temperature = ChatBody.Number(body, "temperature", 2),
            TopP = ChatBody.Number(body, "top_p", 1),
            StopSequences = StopSequences(body),
            AllowMultipleToolCalls = ChatBody.OptionalFlag(body, "parallel_tool_calls"),
            NativeBody = isNative ? body : null,
        };

        ReadTools(body, options, isNative, nested: "function");
        if (!isNative && ChatBody.Get(body, "response_format") is { } format)
            AnswerSchema.Set(options, target, "response_format", format, nested: "json_schema");

        return options;
    }

    /// <summary>Reads <c>tools</c> and <c>tool_choice</c>.</summary>
    /// <param name="body">The request.</param>
    /// <param name="options">Receive the tools and the choice.</param>
    /// <param name="isNative">True to skip other kinds of tools, for a provider that gets the whole body.</param>
    /// <param name="nested">Name of the member that has a function's name and schema, or null if the tool itself has
    /// them.</param>
    /// <exception cref="InvalidChatException">A member is invalid, or a tool is of another kind.</exception>
    public static void ReadTools(JsonElement body, CallOptions options, bool isNative, string? nested)
    {
        if (ChatBody.List(body, "tools", ChatBody.MaxTools, "must be an array") is { } tools)
            options.Tools = [.. tools.EnumerateArray().Select((t, i) => Tool(t, i, isNative, nested)).OfType<AITool>()];
        options.ToolMode = Mode(body, isNative, nested);
    }

    /// <summary>
    /// Refuses members that change the answer and that another vendor's API lacks. Hints are ignored: <c>seed</c>,
    /// <c>reasoning_effort</c>, penalties.
    /// </summary>
    private static void RefuseUntranslatable(JsonElement body, ChatTarget target)
    {
        foreach (var name in Untranslatable)
            if (ChatBody.Get(body, name) is { } value && !ChatBody.IsDefault(name, value))
                throw InvalidChatException.Untranslatable(name, target.Provider);
    }

    private static List<string>? StopSequences(JsonElement body)
    {
        if (ChatBody.Get(body, "stop") is not { ValueKind: JsonValueKind.String })
            return ChatBody.StopSequences(body, "stop", MaxStops, "must be a string or an array of strings");
        return [ChatBody.Name(body, "stop", max: ChatBody.MaxStopCharacters)!];
    }

    /// <summary>Reads a function. Returns null for another kind of tool if the provider has the same API.</summary>
    private static AIFunctionDeclaration? Tool(JsonElement tool, int index, bool isNative, string? nested)
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
                    $"must be function: only Chat Completions passes on {kind ?? "another kind"}, to "
                        + "OpenAI-compatible providers"
                );
        if ((nested is null ? tool : ChatBody.Get(tool, nested)) is not { ValueKind: JsonValueKind.Object } function)
            throw new InvalidChatException(path + nested, "is required");

        if (nested is not null)
            path += nested + ".";
        return Function(function, path);
    }

    /// <summary>Reads <c>{name, description?, parameters?}</c>.</summary>
    /// <param name="path">Path of the function's members.</param>
    public static AIFunctionDeclaration Function(JsonElement function, string path)
    {
        var name = ChatBody.RequiredName(function, "name", path, "is required", MaxFunctionName);
        var schema = ChatBody.Get(function, "parameters") ?? JsonElement.Parse("""{"type":"object","properties":{}}""");
        return schema.ValueKind == JsonValueKind.Object
            ? AIFunctionFactory.CreateDeclaration(name, ChatBody.Text(function, "description", path), schema, null)
            : throw new InvalidChatException(path + "parameters", "must be an object: a JSON schema");
    }

    private static ChatToolMode? Mode(JsonElement body, bool isNative, string? nested) =>
        ChatBody.Get(body, "tool_choice") switch
        {
            null => null,
            { ValueKind: JsonValueKind.String } word => word.GetString() switch
            {
                "none" => ChatToolMode.None,
                "auto" => ChatToolMode.Auto,
                "required" => ChatToolMode.RequireAny,
                _ => throw new InvalidChatException("tool_choice", "must be none, auto, required, or name a function"),
            },
            { ValueKind: JsonValueKind.Object } one
                when (nested is null ? one : ChatBody.Get(one, nested)) is { ValueKind: JsonValueKind.Object } function
                    && ChatBody.Name(function, "name") is { } name
                    && !string.IsNullOrWhiteSpace(name) => ChatToolMode.RequireSpecific(name),
            { ValueKind: JsonValueKind.Object } when isNative => ChatToolMode.Auto, // a custom tool, or a list of tools
            _ => throw new InvalidChatException("tool_choice", "must be none, auto, required, or name a function"),
        };
}
