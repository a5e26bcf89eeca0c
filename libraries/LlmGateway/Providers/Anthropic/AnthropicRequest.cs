using System.Text.RegularExpressions;
using static LlmGateway.Providers.WireJson;

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
        && Text(content, "type") switch
        {
            "thinking" => Text(content, "signature") is var signature
                && (string.IsNullOrEmpty(signature) || OwnReasoning.IsPacked(signature)),
            "redacted_thinking" => OwnReasoning.IsPacked(Text(content, "data")),
            _ => false,
        };

    private static JsonObject Translated(List<ChatMessage> messages, ChatOptions? options)
    {
        var system = messages.Where(m => m.Role == ChatRole.System).Select(MessageText.Of).Where(t => t.Length > 0);
        // OpenAI's scale has twice the length.
        var temperature = options?.Temperature is { } sent ? Math.Min(sent, 1) : (float?)null;
        // Newer models refuse both: the temperature is sent, unless it is the default.
        var topP = temperature is null or 1 ? options?.TopP : null;
        var format = options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema }
            ? Typed("json_schema", ("schema", ModelSchema.Closed(schema)))
            : null;
        var body = Known(
            ("max_tokens", options?.MaxOutputTokens ?? DefaultMaxTokens),
            ("messages", Messages(messages.Where(message => message.Role != ChatRole.System))),
            ("system", string.Join("\n\n", system) is { Length: > 0 } text ? text : null),
            ("top_p", topP),
            ("temperature", topP is null ? temperature : null),
            ("stop_sequences", ListOf(options?.StopSequences?.Select(stop => (JsonNode)stop))),
            ("output_config", format is null ? null : Object(("format", format)))
        );
        SetTools(body, messages, options);
        return body;
    }

    private static void SetTools(JsonObject body, IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        if (ListOf(options?.Tools?.OfType<AIFunctionDeclaration>().Select(Tool)) is { } tools)
        {
            var choice = ToolChoice(options!.ToolMode);
            if (options is { AllowMultipleToolCalls: false, ToolMode: not NoneChatToolMode })
                (choice ??= Typed("auto"))["disable_parallel_tool_use"] = true;
            body["tools"] = tools;
            if (choice is not null)
                body["tool_choice"] = choice;
            return;
        }

        // A conversation with calls needs tools, even if the model is to call none of them.
        var names = messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().Select(c => c.Name);
        var called = names.Distinct().Select(name => AIFunctionFactory.CreateDeclaration(name, null, default, null));
        if (ListOf(called.Select(Tool)) is not { } former)
            return;
        body["tools"] = former;
        body["tool_choice"] = Typed("none");
    }

    private static JsonObject Tool(AIFunctionDeclaration tool) =>
        Object(("name", tool.Name), ("description", tool.Description), ("input_schema", ModelSchema.Of(tool)));

    private static JsonObject? ToolChoice(ChatToolMode? mode) =>
        mode switch
        {
            NoneChatToolMode => Typed("none"),
            RequiredChatToolMode { RequiredFunctionName: { } name } => Typed("tool", ("name", name)),
            RequiredChatToolMode => Typed("any"),
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
                if (Text(sent.LastOrDefault(), "role") != role)
                    sent.Add((JsonNode)Object(("role", role), ("content", new JsonArray())));

                var blocks = sent[^1]!["content"]!.AsArray();
                var results = blocks.TakeWhile(block => Text(block, "type") == "tool_result").Count();
                blocks.Insert(content is FunctionResultContent ? results : blocks.Count, Block(content, ids));
            }
        }

        // Anthropic's models continue such a message, but not white space at its end.
        if (sent.LastOrDefault() is { } end && Text(end, "role") == "assistant")
            if (end["content"]!.AsArray()[^1] is JsonObject block && Text(block, "text") is { } text)
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
            TextContent text => Typed("text", ("text", text.Text)),
            TextReasoningContent { Text: { Length: > 0 } text, ProtectedData: var signature } => Typed(
                "thinking",
                ("thinking", text),
                ("signature", signature)
            ),
            TextReasoningContent hidden => Typed("redacted_thinking", ("data", hidden.ProtectedData)),
            FunctionCallContent call => Typed(
                "tool_use",
                ("id", ids.OfCall(call.CallId)),
                ("name", call.Name),
                ("input", Input(call))
            ),
            FunctionResultContent result => Typed(
                "tool_result",
                ("tool_use_id", ids.OfResult(result.CallId)),
                ("content", ToolCalls.Result(result)),
                ("is_error", result.Exception is not null)
            ),
            DataContent data => Image("base64", ("media_type", data.MediaType), ("data", data.Base64Data.ToString())),
            UriContent uri => Image("url", ("url", uri.Uri.OriginalString)),
            _ => null,
        };

    private static JsonObject Image(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> source) =>
        Typed("image", ("source", Typed(type, source)));

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
