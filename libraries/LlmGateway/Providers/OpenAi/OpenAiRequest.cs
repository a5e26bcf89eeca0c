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
        body["stream_options"] = new JsonObject { ["include_usage"] = true };

        return body;
    }

    private static JsonObject Translated(IEnumerable<ChatMessage> messages, ChatOptions? options, bool isOpenAi)
    {
        var ids = new CallIds(id => !isOpenAi || id.Length <= MaxCallId);
        var body = new JsonObject { ["messages"] = new JsonArray([.. messages.SelectMany(m => Messages(m, ids))]) };

        // OpenAI's newer models refuse the old name; compatible servers know only the old one.
        if (options?.MaxOutputTokens is { } most)
            body[isOpenAi ? "max_completion_tokens" : "max_tokens"] = most;
        if (options?.Temperature is { } temperature)
            body["temperature"] = temperature;
        if (options?.TopP is { } topP)
            body["top_p"] = topP;
        if (options?.StopSequences is { Count: > 0 } stops)
            body["stop"] = new JsonArray([.. stops]);
        if (options?.ResponseFormat is ChatResponseFormatJson format)
            body["response_format"] = Format(format, isStrict: (options as CallOptions)?.HasStrictSchema == true);

        if (options?.Tools?.OfType<AIFunctionDeclaration>().ToArray() is { Length: > 0 } tools)
        {
            body["tools"] = new JsonArray([.. tools.Select(Tool)]);
            if (ToolChoice(options.ToolMode) is { } choice)
                body["tool_choice"] = choice;
            if (options.AllowMultipleToolCalls is { } parallel)
                body["parallel_tool_calls"] = parallel;
        }

        return body;
    }

    private static JsonObject Tool(AIFunctionDeclaration tool)
    {
        JsonObject function =
        [
            new("name", tool.Name),
            new("description", tool.Description),
            new("parameters", ModelSchema.Of(tool)),
        ];
        return Function(function);
    }

    private static JsonObject Format(ChatResponseFormatJson format, bool isStrict)
    {
        if (format.Schema is not { } schema)
            return [new("type", "json_object")];

        JsonObject named =
        [
            new("name", format.SchemaName ?? "answer"),
            new("schema", JsonObject.Create(schema)),
            new("strict", isStrict),
        ];
        if (format.SchemaDescription is { } description)
            named["description"] = description;
        return [new("type", "json_schema"), new("json_schema", named)];
    }

    private static JsonNode? ToolChoice(ChatToolMode? mode) =>
        mode switch
        {
            NoneChatToolMode => "none",
            RequiredChatToolMode { RequiredFunctionName: { } name } => Function([new("name", name)]),
            RequiredChatToolMode => "required",
            _ => null,
        };

    private static JsonObject Function(JsonObject function) => [new("type", "function"), new("function", function)];

    private static IEnumerable<JsonNode> Messages(ChatMessage message, CallIds ids)
    {
        foreach (var result in message.Contents.OfType<FunctionResultContent>())
            yield return new JsonObject
            {
                ["role"] = "tool",
                ["tool_call_id"] = ids.OfResult(result.CallId),
                ["content"] = ToolCalls.Result(result),
            };

        // Nothing is left of an answer that was only reasoning.
        if (message.Contents.All(content => content is FunctionResultContent))
            yield break;

        var one = new JsonObject { ["role"] = message.Role.Value, ["content"] = Content(message) };
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
        foreach (var detail in WireJson.Array(data, "reasoning_details")?.OfType<JsonObject>() ?? [])
        {
            // A signature is for the whole text, which came before it.
            if (detail.ContainsKey("signature") && reasoning.Text.Length > 0)
                detail["text"] = reasoning.Text;
            WireJson.Append(message, "reasoning_details", detail.DeepClone());
        }

        if (calls.Count > 0 && reasoning.Text.Length > 0 && message["reasoning_details"] is null)
            message["reasoning_content"] = WireJson.Text(message, "reasoning_content") + reasoning.Text;
        foreach (var sent in WireJson.Array(data, "tool_calls")?.OfType<JsonObject>() ?? [])
            if (calls.FindIndex(call => call.CallId == WireJson.Text(sent, "id")) is >= 0 and var index)
                foreach (var (name, value) in sent)
                    message["tool_calls"]![index]!.AsObject().TryAdd(name, value?.DeepClone());
    }

    private static JsonObject Call(FunctionCallContent call, CallIds ids)
    {
        var one = Function([new("name", call.Name), new("arguments", ToolCalls.Arguments(call))]);
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
            TextContent text => [new("type", "text"), new("text", text.Text)],
            DataContent data => Image(data.Uri, data.Detail()),
            UriContent uri => Image(uri.Uri.OriginalString, uri.Detail()),
            _ => null,
        };

    private static JsonObject Image(string url, string? detail)
    {
        JsonObject image = [new("url", url)];
        if (detail is not null)
            image["detail"] = detail;
        return [new("type", "image_url"), new("image_url", image)];
    }
}
