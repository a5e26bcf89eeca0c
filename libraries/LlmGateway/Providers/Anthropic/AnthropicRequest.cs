using System.Text.RegularExpressions;

namespace LlmGateway.Providers.Anthropic;

/// <summary>
/// Translates a request to Anthropic's format: the system prompt is a member of its own, and tool results belong to a
/// user message. What Anthropic refuses although OpenAI takes it is changed if the model reads it alike, and is refused
/// here otherwise.
/// </summary>
internal static partial class AnthropicRequest
{
    private const int DefaultMaxTokens = 4_096; // Anthropic requires one

    /// <summary>Refuses what has no equivalent.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="options">The options.</param>
    /// <param name="messagesName">The client's name of the messages.</param>
    /// <param name="stopName">The client's name of the stop sequences.</param>
    /// <exception cref="InvalidChatException">There are no messages but the system's, or the answer is to stop at white
    /// space, at which Anthropic's models cannot stop.</exception>
    public static void Check(
        IEnumerable<ChatMessage> messages,
        ChatOptions options,
        string messagesName,
        string stopName
    )
    {
        if (!messages.Any(message => message.Role != ChatRole.System && message.Contents.Any(IsSent)))
            throw new InvalidChatException(
                messagesName,
                "must hold a message with content that is not the system's: the provider anthropic requires one."
            );
        if (options.StopSequences?.Any(string.IsNullOrWhiteSpace) == true)
            throw new InvalidChatException(
                stopName,
                "must hold more than white space: the provider anthropic does not stop at it."
            );
    }

    public static JsonObject Body(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var body = (options as CallOptions)?.ForProvider() is { } native
            ? Signed(native)
            : Translated([.. messages], options);
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

    private static JsonObject Translated(List<ChatMessage> messages, ChatOptions? options)
    {
        var body = new JsonObject
        {
            ["max_tokens"] = options?.MaxOutputTokens ?? DefaultMaxTokens,
            ["messages"] = Messages(messages.Where(message => message.Role != ChatRole.System)),
        };

        var system = messages.Where(m => m.Role == ChatRole.System).Select(MessageText.Of).Where(t => t.Length > 0);
        if (string.Join("\n\n", system) is { Length: > 0 } text)
            body["system"] = text;
        SetSampling(body, options);
        if (options?.StopSequences is { Count: > 0 } stops)
            body["stop_sequences"] = new JsonArray([.. stops]);

        if (options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema })
        {
            JsonObject format = [new("type", "json_schema"), new("schema", ModelSchema.Closed(schema))];
            body["output_config"] = new JsonObject { ["format"] = format };
        }

        SetTools(body, messages, options);
        return body;
    }

    /// <summary>Sets one of temperature and <c>top_p</c>, since newer models refuse both: the temperature, unless it is
    /// the default.</summary>
    private static void SetSampling(JsonObject body, ChatOptions? options)
    {
        // OpenAI's scale has twice the length.
        var temperature = options?.Temperature is { } sent ? Math.Min(sent, 1) : (float?)null;
        if (options?.TopP is { } topP && temperature is null or 1)
            body["top_p"] = topP;
        else if (temperature is not null)
            body["temperature"] = temperature;
    }

    private static void SetTools(JsonObject body, IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var tools = options?.Tools?.OfType<AIFunctionDeclaration>().ToList() ?? [];
        var choice = ToolChoice(options?.ToolMode);

        if (tools.Count == 0)
        {
            // A conversation with calls needs tools, even if the model is to call none of them.
            var called = messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>();
            tools.AddRange(
                called
                    .Select(call => call.Name)
                    .Distinct()
                    .Select(name => AIFunctionFactory.CreateDeclaration(name, null, default, null))
            );
            choice = ToolChoice(ChatToolMode.None);
        }
        else if (options!.AllowMultipleToolCalls == false && options.ToolMode is not NoneChatToolMode)
            (choice ??= [new("type", "auto")])["disable_parallel_tool_use"] = true;

        if (tools.Count == 0)
            return;
        body["tools"] = new JsonArray([.. tools.Select(Tool)]);
        if (choice is not null)
            body["tool_choice"] = choice;
    }

    private static JsonObject Tool(AIFunctionDeclaration tool) =>
        [new("name", tool.Name), new("description", tool.Description), new("input_schema", ModelSchema.Of(tool))];

    private static JsonObject? ToolChoice(ChatToolMode? mode) =>
        mode switch
        {
            NoneChatToolMode => [new("type", "none")],
            RequiredChatToolMode { RequiredFunctionName: { } name } => [new("type", "tool"), new("name", name)],
            RequiredChatToolMode => [new("type", "any")],
            _ => null,
        };

    /// <summary>Returns the messages, alternately of the user and of the assistant: all results of an answer's calls
    /// must be at the beginning of the next message.</summary>
    private static JsonArray Messages(IEnumerable<ChatMessage> messages)
    {
        var ids = new CallIds(CallId().IsMatch);
        var sent = new JsonArray();

        foreach (var message in messages)
        {
            var role = message.Role == ChatRole.Assistant ? "assistant" : "user";
            foreach (var content in message.Contents.Where(IsSent))
            {
                if (WireJson.Text(sent.LastOrDefault(), "role") != role)
                    sent.Add((JsonNode)new JsonObject { ["role"] = role, ["content"] = new JsonArray() });

                var blocks = sent[^1]!["content"]!.AsArray();
                var results = blocks.TakeWhile(block => WireJson.Text(block, "type") == "tool_result").Count();
                blocks.Insert(content is FunctionResultContent ? results : blocks.Count, Block(content, ids));
            }
        }

        // Anthropic's models continue such a message, but not white space at its end.
        if (sent.LastOrDefault() is { } end && WireJson.Text(end, "role") == "assistant")
            if (end["content"]!.AsArray()[^1] is JsonObject block && WireJson.Text(block, "text") is { } text)
                block["text"] = text.TrimEnd();
        return sent;
    }

    /// <summary>Returns true for a content that Anthropic takes. It refuses blank texts, and thinking without its
    /// signature.</summary>
    private static bool IsSent(AIContent content) =>
        content switch
        {
            TextContent text => !string.IsNullOrWhiteSpace(text.Text),
            TextReasoningContent thought => thought.ProtectedData is { Length: > 0 },
            _ => content is FunctionCallContent or FunctionResultContent or DataContent or UriContent,
        };

    private static JsonObject? Block(AIContent content, CallIds ids) =>
        content switch
        {
            TextContent text => [new("type", "text"), new("text", text.Text)],
            TextReasoningContent { Text.Length: > 0 } thought =>
            [
                new("type", "thinking"),
                new("thinking", thought.Text),
                new("signature", thought.ProtectedData),
            ],
            TextReasoningContent hidden => [new("type", "redacted_thinking"), new("data", hidden.ProtectedData)],
            FunctionCallContent call =>
            [
                new("type", "tool_use"),
                new("id", ids.OfCall(call.CallId)),
                new("name", call.Name),
                new("input", Input(call)),
            ],
            FunctionResultContent result =>
            [
                new("type", "tool_result"),
                new("tool_use_id", ids.OfResult(result.CallId)),
                new("content", ToolCalls.Result(result)),
                new("is_error", result.Exception is not null),
            ],
            DataContent data => Image([
                new("type", "base64"),
                new("media_type", data.MediaType),
                new("data", data.Base64Data.ToString()),
            ]),
            UriContent uri => Image([new("type", "url"), new("url", uri.Uri.OriginalString)]),
            _ => null,
        };

    private static JsonObject Image(JsonObject source) => [new("type", "image"), new("source", source)];

    /// <summary>Returns the arguments, which must be an object. Anthropic's documentation gives this name to the text
    /// of a model that wrote none.</summary>
    private static JsonObject Input(FunctionCallContent call)
    {
        var text = ToolCalls.Arguments(call);
        return text.Length == 0 ? [] : ToolCalls.Object(text) ?? [new("INVALID_JSON", text)];
    }

    [GeneratedRegex(@"^[a-zA-Z0-9_-]{1,64}\z")]
    private static partial Regex CallId();
}
