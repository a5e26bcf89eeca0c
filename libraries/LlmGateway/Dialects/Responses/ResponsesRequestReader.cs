using System.Runtime.InteropServices;

namespace LlmGateway.Dialects.Responses;

/// <summary>Reads the body of a request for a response.</summary>
internal static class ResponsesRequestReader
{
    /// <summary>Most bytes of JSON of a member that the response repeats. Each reader gets the member three
    /// times.</summary>
    private const int MaxEcho = 16 * 1024;

    /// <summary>Most levels of such a member. A stored prompt has the member within two objects, and so does an
    /// event.</summary>
    private const int MaxEchoDepth = ParsedJson.MaxDepth - 2;

    /// <summary>OpenAI's own limits of <c>metadata</c>.</summary>
    private const int MaxMetadata = 16,
        MaxMetadataName = 64,
        MaxMetadataText = 512;

    /// <summary>Members that the response repeats.</summary>
    private const string EchoedNames =
        "background instructions max_output_tokens metadata parallel_tool_calls reasoning service_tier store "
        + "temperature text tool_choice tools top_p user";

    private static readonly string[] Echoed = EchoedNames.Split(' ');

    private const string Reference = "item_reference";

    public static RequestTable Table { get; } =
        new()
        {
            Read = Messages,
            HasItems = true,
            Instructions = "instructions",
            Roles = ["system", "developer", "user", "assistant"],
            Parts = new()
            {
                ["input_text"] = RequestParts.Text,
                ["output_text"] = RequestParts.Text,
                ["refusal"] = RequestParts.Refusal,
                ["input_image"] = part => RequestParts.Image(part, part, "image_url"),
            },
            Messages = "input",
            CallId = "call_id",
            MaxTokens = ["max_output_tokens"],
            Formats = ["text.format"],
            Names = new(
                // The others choose the model, the messages and the delivery of the answer, or are hints.
                // max_tool_calls limits built-in tools, which this server lacks.
                $"""
                request: {EchoedNames}
                    include input max_tool_calls model previous_response_id prompt_cache_key prompt_cache_options
                    prompt_cache_retention provider safety_identifier stream stream_options
                refused: context_management conversation moderation prompt top_logprobs truncation
                message: type id status role content phase
                input_text: type text prompt_cache_breakpoint
                output_text: type text annotations logprobs parsed
                refusal: type refusal
                input_image: type image_url file_id detail prompt_cache_breakpoint
                function_call: type id status call_id name arguments namespace caller created_by parsed_arguments
                function_call_output: type id status call_id output caller created_by
                reasoning: type id status summary content encrypted_content
                summary_text: type text
                item_reference: type id
                function: type name description parameters strict allowed_callers async defer_loading output_schema
                """
            ),
            Defaults = new() { ["truncation"] = "disabled" },
        };

    /// <param name="body">The request.</param>
    /// <param name="past">The runs and items that the request refers to.</param>
    /// <param name="providers">Resolves the model.</param>
    /// <exception cref="InvalidChatException">A member is missing or invalid, or means nothing to the
    /// provider.</exception>
    public static (ChatCall Call, RunPrompt Prompt) Read(RequestValue body, ResponsesPast past, ChatProviders providers)
    {
        var target = RequestReader.Target(body, providers);
        CheckInclude(body, target);
        CheckRepeated(body);

        var calls = past.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>();
        var input = RequestReader.Messages(body, Table, [.. calls.Select(call => call.CallId)], past.Referred);
        List<ChatMessage> messages = [.. past.Messages, .. input];
        ToolCalls.LeaveOutOpen(messages);
        if (messages.Count == 0)
            throw new InvalidChatException("input", "must hold more than calls without a result.");

        var prompt = new RunPrompt(ResponseId.Dialect, input, past.Previous, EchoOf(body), body.Text("instructions"));
        return (RequestReader.Call(body, target, Table, prompt.Question(messages), past: past.Bytes), prompt);
    }

    /// <summary>Returns the ids of the items that a request refers to: <c>{"type":"item_reference","id":"msg_…"}</c>
    /// stands for an item of an earlier output.</summary>
    public static IEnumerable<string> ReferencesOf(RequestValue body) =>
        body.Get("input") is { Json.ValueKind: JsonValueKind.Array } input
            ? input.Items(ChatBody.MaxMessages).Where(IsReference).Select(item => item.RequiredName("id"))
            : [];

    public static bool IsReference(RequestValue item) => item.AsObject().Name("type") == Reference;

    /// <summary>Reads an item.</summary>
    private static IEnumerable<ChatMessage> Messages(RequestValue item, RequestTable table)
    {
        switch (item.AsObject().Name("type"))
        {
            case null or "message":
                return [RequestReader.Message(item, table)!];
            case "function_call":
                return [new ChatMessage(ChatRole.Assistant, [RequestParts.Call(item, "call_id", item)])];
            case "function_call_output":
                var parts = RequestReader.Contents(item.Required("output"), table);
                var id = item.RequiredName("call_id");
                var result = UntranslatableContent.ToolResult(id, parts, item.PathOf("output"));
                return [new ChatMessage(ChatRole.Tool, [result])];

            // Only the provider that made the reasoning takes it.
            case "reasoning" when item.Text("encrypted_content") is { } signature:
                var texts = item.Items("summary", ChatBody.MaxMessages).Select(s => s.AsObject().Text("text"));
                return OwnReasoning.Unpack(string.Concat(texts), signature) is { } thought
                    ? [new ChatMessage(ChatRole.Assistant, [thought])]
                    : [];
            case "reasoning":
                return [];
            case Reference:
                throw new InvalidChatException(item.PathOf("id"), $"there is no item '{item.RequiredName("id")}' here");
            case var type:
                throw new InvalidChatException(item.PathOf("type"), $"'{type}' cannot be sent to this model.");
        }
    }

    private static void CheckInclude(RequestValue body, ChatTarget target)
    {
        foreach (var item in body.Items("include", ChatBody.MaxTools))
            if (item.IsText && item.AsText() == "message.output_text.logprobs")
                throw InvalidChatException.Untranslatable("include", target.Provider);
    }

    /// <summary>Checks the members that are only repeated, since a client could not parse a response that repeats a
    /// malformed member.</summary>
    private static void CheckRepeated(RequestValue body)
    {
        if (body.Get("metadata")?.AsObject() is { } metadata)
        {
            var names = metadata.Json.EnumerateObject().Select(member => member.Name).ToList();
            if (names.Count > MaxMetadata || names.Exists(name => name.Length > MaxMetadataName))
                throw metadata.Invalid($"has at most {MaxMetadata} names of at most {MaxMetadataName} characters.");
            foreach (var name in names)
                metadata.Name(name, MaxMetadataText);
        }

        body.Get("reasoning")?.AsObject();
        body.Name("service_tier");
        body.Name("user");
    }

    private static JsonObject EchoOf(RequestValue body)
    {
        var echo = new JsonObject();
        foreach (var name in Echoed)
            if (
                body.Get(name) is { Json: var value }
                && JsonMarshal.GetRawUtf8Value(value).Length <= MaxEcho
                && WireJson.Parse(value.GetRawText(), MaxEchoDepth) is { } repeated
            )
                echo[name] = repeated;
        return echo;
    }
}
