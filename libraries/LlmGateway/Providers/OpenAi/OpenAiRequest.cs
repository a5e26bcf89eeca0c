using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.OpenAi;

/// <summary>Translates a request to OpenAI's format.</summary>
internal static class OpenAiRequest
{
    public static JsonObject Body(IEnumerable<ChatMessage> messages, ChatOptions? options, bool isOpenAi)
    {
        var body = (options as CallOptions)?.NativeBody is { } native
            ? JsonObject.Create(native)!
            : Translated(messages, options, isOpenAi);
        body.Remove("provider");
        body["model"] = options?.ModelId;
        body["stream"] = true;
        body["stream_options"] = new JsonObject { ["include_usage"] = true };

        return body;
    }

    private static JsonObject Translated(IEnumerable<ChatMessage> messages, ChatOptions? options, bool isOpenAi)
    {
        var body = new JsonObject { ["messages"] = new JsonArray([.. messages.SelectMany(Messages)]) };

        // OpenAI's newer models refuse the old name; compatible servers know only the old one.
        if (options?.MaxOutputTokens is { } most)
            body[isOpenAi ? "max_completion_tokens" : "max_tokens"] = most;
        if (options?.Temperature is { } temperature)
            body["temperature"] = temperature;
        if (options?.TopP is { } topP)
            body["top_p"] = topP;
        if (options?.StopSequences is { Count: > 0 } stops)
            body["stop"] = new JsonArray([.. stops.Select(s => JsonValue.Create(s))]);

        if (options?.ResponseFormat is ChatResponseFormatJson format)
            body["response_format"] = Format(format, isStrict: (options as CallOptions)?.HasStrictSchema == true);

        if (options?.Tools?.OfType<AIFunctionDeclaration>().ToArray() is { Length: > 0 } tools)
        {
            body["tools"] = new JsonArray([
                .. tools.Select(t => new JsonObject
                {
                    ["type"] = "function",
                    ["function"] = new JsonObject
                    {
                        ["name"] = t.Name,
                        ["description"] = t.Description,
                        ["parameters"] = JsonNode.Parse(t.JsonSchema.GetRawText()),
                    },
                }),
            ]);

            if (ToolChoice(options.ToolMode) is { } choice)
                body["tool_choice"] = choice;
            if (options.AllowMultipleToolCalls is { } parallel)
                body["parallel_tool_calls"] = parallel;
        }

        return body;
    }

    private static JsonObject Format(ChatResponseFormatJson format, bool isStrict)
    {
        if (format.Schema is not { } schema)
            return new() { ["type"] = "json_object" };

        var named = new JsonObject
        {
            ["name"] = format.SchemaName ?? "answer",
            ["schema"] = JsonNode.Parse(schema.GetRawText()),
            ["strict"] = isStrict,
        };
        if (format.SchemaDescription is { } description)
            named["description"] = description;

        return new() { ["type"] = "json_schema", ["json_schema"] = named };
    }

    private static JsonNode? ToolChoice(ChatToolMode? mode) =>
        mode switch
        {
            NoneChatToolMode => "none",
            RequiredChatToolMode { RequiredFunctionName: { } name } => new JsonObject
            {
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = name },
            },
            RequiredChatToolMode => "required",
            _ => null,
        };

    private static IEnumerable<JsonNode> Messages(ChatMessage message)
    {
        foreach (var result in message.Contents.OfType<FunctionResultContent>())
            yield return new JsonObject
            {
                ["role"] = "tool",
                ["tool_call_id"] = result.CallId,
                ["content"] = ToolCalls.Result(result),
            };

        var calls = message.Contents.OfType<FunctionCallContent>().ToArray();
        if (message.Contents.All(c => c is FunctionResultContent) && message.Contents.Count > 0)
            yield break;

        var one = new JsonObject { ["role"] = message.Role.Value, ["content"] = Content(message) };

        if (calls.Length > 0)
            one["tool_calls"] = new JsonArray([
                .. calls.Select(c => new JsonObject
                {
                    ["id"] = c.CallId,
                    ["type"] = "function",
                    ["function"] = new JsonObject { ["name"] = c.Name, ["arguments"] = ToolCalls.Arguments(c) },
                }),
            ]);

        foreach (var reasoning in message.Contents.OfType<TextReasoningContent>())
            GiveBack(reasoning, one);
        yield return one;
    }

    /// <summary>Adds the provider's own reasoning to its message. As text, a model must get it with the calls that
    /// follow it, and refuses it or has no use for it without them.</summary>
    private static void GiveBack(TextReasoningContent reasoning, JsonObject message)
    {
        var data = ToolCalls.Object(reasoning.ProtectedData ?? "");
        foreach (var detail in WireJson.Array(data, "reasoning_details")?.OfType<JsonObject>() ?? [])
        {
            // A signature is for the whole text, which came before it.
            if (detail.ContainsKey("signature") && reasoning.Text.Length > 0)
                detail["text"] = reasoning.Text;
            if (message["reasoning_details"] is not JsonArray)
                message["reasoning_details"] = new JsonArray();
            message["reasoning_details"]!.AsArray().Add(detail.DeepClone());
        }

        if (message["tool_calls"] is not JsonArray calls)
            return;
        if (reasoning.Text.Length > 0 && message["reasoning_details"] is null)
            message["reasoning_content"] = WireJson.Text(message, "reasoning_content") + reasoning.Text;
        foreach (var sent in WireJson.Array(data, "tool_calls")?.OfType<JsonObject>() ?? [])
            if (
                calls.OfType<JsonObject>().FirstOrDefault(c => (string?)c["id"] == WireJson.Text(sent, "id")) is
                { } call
            )
                foreach (var (name, value) in sent)
                    call.TryAdd(name, value?.DeepClone());
    }

    private static JsonNode? Content(ChatMessage message)
    {
        if (!message.Contents.Any(c => c is DataContent or UriContent))
            return MessageText.Of(message);
        return new JsonArray([.. message.Contents.Select(Part).OfType<JsonNode>()]);
    }

    private static JsonObject? Part(AIContent content) =>
        content switch
        {
            TextContent text => new JsonObject { ["type"] = "text", ["text"] = text.Text },
            DataContent data => Image(data.Uri, data.Detail()),
            UriContent uri => Image(uri.Uri.OriginalString, uri.Detail()),
            _ => null,
        };

    private static JsonObject Image(string url, string? detail)
    {
        var image = new JsonObject { ["url"] = url };
        if (detail is not null)
            image["detail"] = detail;

        return new JsonObject { ["type"] = "image_url", ["image_url"] = image };
    }
}
