using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.OpenAi;

/// <summary>Translates a request to OpenAI's format.</summary>
internal static class OpenAiRequest
{
    /// <summary>Longest id of a call, which OpenAI itself checks. Other servers have long ids, and need them back
    /// unchanged.</summary>
    private const int MaxCallId = 40;

    public static JsonObject Body(IEnumerable<ChatMessage> messages, ChatOptions? options, bool isOpenAi)
    {
        var call = options as CallOptions;
        var body = call?.ForProvider() ?? Translated(messages, options, isOpenAi);
        if (call?.Routing is { } routing)
            body["provider"] = JsonObject.Create(routing);
        body["model"] = options?.ModelId;
        body["stream"] = true;
        body["stream_options"] = Object(("include_usage", true));

        return body;
    }

    private static JsonObject Translated(IEnumerable<ChatMessage> messages, ChatOptions? options, bool isOpenAi)
    {
        var ids = new CallIds(id => !isOpenAi || id.Length <= MaxCallId);
        var tools = ListOf(options?.Tools?.OfType<AIFunctionDeclaration>().Select(Tool));
        return Known(
            ("messages", new JsonArray([.. messages.SelectMany(m => Messages(m, ids))])),
            // OpenAI's newer models refuse the old name; compatible servers know only the old one.
            (isOpenAi ? "max_completion_tokens" : "max_tokens", options?.MaxOutputTokens),
            ("temperature", options?.Temperature),
            ("top_p", options?.TopP),
            ("stop", ListOf(options?.StopSequences?.Select(stop => (JsonNode)stop))),
            ("response_format", Format(options?.ResponseFormat, options as CallOptions)),
            ("tools", tools),
            ("tool_choice", tools is null ? null : ToolChoice(options?.ToolMode)),
            ("parallel_tool_calls", tools is null ? null : options?.AllowMultipleToolCalls)
        );
    }

    private static JsonObject Tool(AIFunctionDeclaration tool) =>
        Function(("name", tool.Name), ("description", tool.Description), ("parameters", ModelSchema.Of(tool)));

    private static JsonObject? Format(ChatResponseFormat? wanted, CallOptions? call)
    {
        if (wanted is not ChatResponseFormatJson format)
            return null;
        if (format.Schema is not { } schema)
            return Typed("json_object");

        var named = Known(
            ("name", format.SchemaName ?? "answer"),
            ("schema", JsonObject.Create(schema)),
            ("strict", call?.HasStrictSchema == true),
            ("description", format.SchemaDescription)
        );
        return Typed("json_schema", ("json_schema", named));
    }

    private static JsonNode? ToolChoice(ChatToolMode? mode) =>
        mode switch
        {
            NoneChatToolMode => "none",
            RequiredChatToolMode { RequiredFunctionName: { } name } => Function(("name", name)),
            RequiredChatToolMode => "required",
            _ => null,
        };

    private static JsonObject Function(params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        Typed("function", ("function", Object(members)));

    private static IEnumerable<JsonNode> Messages(ChatMessage message, CallIds ids)
    {
        foreach (var result in message.Contents.OfType<FunctionResultContent>())
            yield return Object(
                ("role", "tool"),
                ("tool_call_id", ids.OfResult(result.CallId)),
                ("content", ToolCalls.Result(result))
            );

        // Nothing is left of an answer that was only reasoning.
        if (message.Contents.All(content => content is FunctionResultContent))
            yield break;

        var one = Object(("role", message.Role.Value), ("content", Content(message)));
        var calls = message.Contents.OfType<FunctionCallContent>().ToList();
        if (calls.Count > 0)
            one["tool_calls"] = new JsonArray([.. calls.Select(call => Call(call, ids))]);
        foreach (var reasoning in message.Contents.OfType<TextReasoningContent>())
            GiveBack(reasoning, one, calls);
        yield return one;
    }

    /// <summary>Adds the provider's own reasoning to its message. As text, a model must get it with the calls that
    /// follow it, and refuses it or has no use for it without them.</summary>
    private static void GiveBack(TextReasoningContent reasoning, JsonObject message, List<FunctionCallContent> calls)
    {
        var data = ToolCalls.Object(reasoning.ProtectedData ?? "");
        foreach (var detail in Array(data, "reasoning_details")?.OfType<JsonObject>() ?? [])
        {
            // A signature is for the whole text, which came before it.
            if (detail.ContainsKey("signature") && reasoning.Text.Length > 0)
                detail["text"] = reasoning.Text;
            Append(message, "reasoning_details", detail.DeepClone());
        }

        if (calls.Count > 0 && reasoning.Text.Length > 0 && message["reasoning_details"] is null)
            message["reasoning_content"] = Text(message, "reasoning_content") + reasoning.Text;
        foreach (var sent in Array(data, "tool_calls")?.OfType<JsonObject>() ?? [])
            if (calls.FindIndex(call => call.CallId == Text(sent, "id")) is >= 0 and var index)
                foreach (var (name, value) in sent)
                    message["tool_calls"]![index]!.AsObject().TryAdd(name, value?.DeepClone());
    }

    private static JsonObject Call(FunctionCallContent call, CallIds ids)
    {
        var one = Function(("name", call.Name), ("arguments", ToolCalls.Arguments(call)));
        one["id"] = ids.OfCall(call.CallId);
        return one;
    }

    private static JsonNode Content(ChatMessage message)
    {
        if (!message.Contents.Any(c => c is DataContent or UriContent))
            return MessageText.Of(message);
        return new JsonArray([.. message.Contents.Select(Part).OfType<JsonNode>()]);
    }

    private static JsonObject? Part(AIContent content) =>
        content switch
        {
            TextContent text => Typed("text", ("text", text.Text)),
            DataContent data => Image(data.Uri, data.Detail()),
            UriContent uri => Image(uri.Uri.OriginalString, uri.Detail()),
            _ => null,
        };

    private static JsonObject Image(string url, string? detail) =>
        Typed("image_url", ("image_url", Known(("url", url), ("detail", detail))));
}
