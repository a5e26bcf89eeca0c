using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Anthropic;

/// <summary>
/// Translates a request to Anthropic's format: the system prompt is a member of its own, and tool results belong to a
/// user message.
/// </summary>
internal static class AnthropicRequest
{
    private const int DefaultMaxTokens = 4_096; // Anthropic requires one

    public static JsonObject Body(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var body = (options as CallOptions)?.NativeBody is { } native
            ? Signed(JsonObject.Create(native)!)
            : Translated(messages, options);
        body.Remove("provider");
        body["model"] = options?.ModelId;
        body["stream"] = true;

        return body;
    }

    /// <summary>Removes thinking without a signature, because Anthropic refuses the thinking of other models.</summary>
    private static JsonObject Signed(JsonObject body)
    {
        if (body["messages"] is JsonArray messages)
            foreach (var message in messages.OfType<JsonObject>().ToList())
                if (message["content"] is JsonArray blocks && blocks.RemoveAll(IsUnsigned) > 0 && blocks.Count == 0)
                    messages.Remove(message);

        return body;
    }

    private static bool IsUnsigned(JsonNode? block) =>
        block is JsonObject content
        && WireJson.Text(content, "type") switch
        {
            "thinking" => WireJson.Text(content, "signature") is var signature
                && (string.IsNullOrEmpty(signature) || OwnReasoning.IsPacked(signature)),
            "redacted_thinking" => OwnReasoning.IsPacked(WireJson.Text(content, "data")),
            _ => false,
        };

    private static JsonObject Translated(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var all = messages.ToList();
        var body = new JsonObject
        {
            ["max_tokens"] = options?.MaxOutputTokens ?? DefaultMaxTokens,
            ["messages"] = new JsonArray([
                .. all.Where(m => m.Role != ChatRole.System).Select(Message).OfType<JsonNode>(),
            ]),
        };

        var system = string.Join(
            "\n\n",
            all.Where(m => m.Role == ChatRole.System).Select(MessageText.Of).Where(t => t.Length > 0)
        );
        if (system.Length > 0)
            body["system"] = system;
        if (options?.Temperature is { } temperature)
            body["temperature"] = Math.Min(temperature, 1);
        if (options?.TopP is { } topP)
            body["top_p"] = topP;
        if (options?.StopSequences is { Count: > 0 } stops)
            body["stop_sequences"] = new JsonArray([.. stops.Select(s => JsonValue.Create(s))]);

        if (options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema })
            body["output_config"] = new JsonObject
            {
                ["format"] = new JsonObject
                {
                    ["type"] = "json_schema",
                    ["schema"] = JsonNode.Parse(schema.GetRawText()),
                },
            };

        if (options?.Tools?.OfType<AIFunctionDeclaration>().ToArray() is { Length: > 0 } tools)
        {
            body["tools"] = new JsonArray([
                .. tools.Select(t => new JsonObject
                {
                    ["name"] = t.Name,
                    ["description"] = t.Description,
                    ["input_schema"] = JsonNode.Parse(t.JsonSchema.GetRawText()),
                }),
            ]);

            var choice = ToolChoice(options.ToolMode);

            if (options.AllowMultipleToolCalls == false && options.ToolMode is not NoneChatToolMode)
                (choice ??= new JsonObject { ["type"] = "auto" })["disable_parallel_tool_use"] = true;
            if (choice is not null)
                body["tool_choice"] = choice;
        }

        return body;
    }

    private static JsonObject? ToolChoice(ChatToolMode? mode) =>
        mode switch
        {
            NoneChatToolMode => new JsonObject { ["type"] = "none" },
            RequiredChatToolMode { RequiredFunctionName: { } name } => new JsonObject
            {
                ["type"] = "tool",
                ["name"] = name,
            },
            RequiredChatToolMode => new JsonObject { ["type"] = "any" },
            _ => null,
        };

    private static JsonObject? Message(ChatMessage message)
    {
        var blocks = new JsonArray([.. message.Contents.Select(Block).OfType<JsonNode>()]);
        return blocks.Count == 0
            ? null
            : new JsonObject
            {
                ["role"] = message.Role == ChatRole.Assistant ? "assistant" : "user",
                ["content"] = blocks,
            };
    }

    private static JsonObject? Block(AIContent content) =>
        content switch
        {
            TextContent { Text.Length: > 0 } text => new JsonObject { ["type"] = "text", ["text"] = text.Text },
            // Anthropic refuses thinking without its signature.
            TextReasoningContent { ProtectedData: { Length: > 0 } data } thought => thought.Text.Length > 0
                ? new JsonObject
                {
                    ["type"] = "thinking",
                    ["thinking"] = thought.Text,
                    ["signature"] = data,
                }
                : new JsonObject { ["type"] = "redacted_thinking", ["data"] = data },
            FunctionCallContent call => new JsonObject
            {
                ["type"] = "tool_use",
                ["id"] = call.CallId,
                ["name"] = call.Name,
                ["input"] = ToolCalls.Object(ToolCalls.Arguments(call)) ?? [],
            },
            FunctionResultContent result => new JsonObject
            {
                ["type"] = "tool_result",
                ["tool_use_id"] = result.CallId,
                ["content"] = ToolCalls.Result(result),
                ["is_error"] = result.Exception is not null,
            },
            DataContent data => new JsonObject
            {
                ["type"] = "image",
                ["source"] = new JsonObject
                {
                    ["type"] = "base64",
                    ["media_type"] = data.MediaType,
                    ["data"] = data.Base64Data.ToString(),
                },
            },
            UriContent uri => new JsonObject
            {
                ["type"] = "image",
                ["source"] = new JsonObject { ["type"] = "url", ["url"] = uri.Uri.OriginalString },
            },
            _ => null,
        };
}
