namespace LlmGateway.Requests;

/// <summary>The names of one API in its requests. <see cref="RequestReader"/> reads the requests of all APIs by their
/// tables.</summary>
internal sealed record RequestTable
{
    /// <summary>Providers that have this API, and get the whole request as it is.</summary>
    public string[] Natives { get; init; } = [];

    /// <summary>Roles of messages (<see cref="RequestReader.RoleOf"/>).</summary>
    public required string[] Roles { get; init; }

    /// <summary>Reads a message that has only reasoning, or returns null for one that only the client uses.</summary>
    public Func<RequestValue, AIContent?> Reasoning { get; init; } = RequestParts.Ignored;

    /// <summary>Readers of a message's parts, by type. They return null for a part that no model takes.</summary>
    public required Dictionary<string, Func<RequestValue, AIContent?>> Parts { get; init; }

    /// <summary>Reads an item as the messages that it is, or null if each item is one message.</summary>
    public Func<RequestValue, RequestTable, IEnumerable<ChatMessage>>? Read { get; init; }

    /// <summary>Member of a request with the messages.</summary>
    public string Messages { get; init; } = "messages";

    /// <summary>True if the messages are a text, or items, of which several may be one message.</summary>
    public bool HasItems { get; init; }

    /// <summary>Member of a request with instructions, or null if messages have them.</summary>
    public string? Instructions { get; init; }

    /// <summary>Member of a request with its client's own name of it, or null if there is none.</summary>
    public string? Id { get; init; }

    /// <summary>True for paths as Anthropic writes them (<see cref="RequestValue.HasDots"/>).</summary>
    public bool HasDots { get; init; }

    /// <summary>Checks what only the answer of an application's run needs.</summary>
    public Action<RequestValue> CheckRun { get; init; } = _ => { };

    /// <summary>Member of a message with its calls.</summary>
    public string Calls { get; init; } = "tool_calls";

    /// <summary>Member of a message that says to which call its result belongs.</summary>
    public string CallId { get; init; } = "tool_call_id";

    /// <summary>True if messages have ids, and the assistant's may have no content.</summary>
    public bool IsOfPage { get; init; }

    public string[] MaxTokens { get; init; } = ["max_completion_tokens", "max_tokens", "maxTokens"];
    public int MaxTemperature { get; init; } = 2;
    public string Stop { get; init; } = "stop";

    /// <summary>Most stop sequences. The demo model searches its text for each of them.</summary>
    public int MaxStops { get; init; } = 4;

    /// <summary>The type of a tool that the client runs.</summary>
    public string ToolType { get; init; } = "function";

    /// <summary>False if a tool without a type is one that the client runs.</summary>
    public bool HasToolTypes { get; init; } = true;

    /// <summary>Member of a tool that has its name and schema, or null if the tool itself has them.</summary>
    public string? Tool { get; init; }

    /// <summary>Member of a tool with the schema of its arguments.</summary>
    public string ToolSchema { get; init; } = "parameters";

    public int MaxToolName { get; init; } = 64;

    /// <summary>The API that passes on tools of other types, and the models that take them.</summary>
    public string ToolsPassedOn { get; init; } = "only Chat Completions passes on {0}, to OpenAI-compatible providers";

    /// <summary>Paths of the format of the answer, the newest first.</summary>
    public string[] Formats { get; init; } = ["response_format"];

    /// <summary>Member of the format that has its schema, or null if the format itself has it.</summary>
    public string? FormatSchema { get; init; }

    /// <summary>True if the API enforces each schema.</summary>
    public bool IsStrict { get; init; }

    /// <summary>True if members that are not known are ignored, as the article's chat does.</summary>
    public bool IgnoresUnknown { get; init; }

    /// <summary>Names of the members of a request and of the objects in it.</summary>
    public required RequestNames Names { get; init; }

    /// <summary>A default in <see cref="Defaults"/>: an empty object.</summary>
    public const string Empty = "{}";

    /// <summary>Words that make a refused member change nothing, as its text or its type.</summary>
    public Dictionary<string, string> Defaults { get; init; } = [];

    /// <summary>Returns true if the model's provider gets the whole request as it is.</summary>
    public bool IsNative(ChatTarget target) => Natives.Contains(target.Provider);

    /// <summary>Members of a request of Chat Completions. A member of a newer version is refused until it is known to
    /// be a hint.</summary>
    public const string OpenAiMembers = """
        refused: logprobs logit_bias functions function_call modalities moderation audio web_search_options
        request: frequency_penalty max_completion_tokens max_tokens maxTokens messages metadata model n
            parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options
            prompt_cache_retention provider reasoning_effort response_format safety_identifier seed service_tier stop
            store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity
        """;

    /// <summary>Members of its tools, and of calls, whose objects have the same names.</summary>
    public const string OpenAiTools = """
        .tools: type function cache_control
        function: id type index function extra_content provider_specific_fields cache_control
        .function: name arguments description parameters strict parsed_arguments thought_signature cache_control
        """;

    /// <summary>OpenAI's Chat Completions API (npm <c>openai</c> 7.55.0), and this gateway's own members.</summary>
    public static RequestTable ChatCompletions { get; } =
        new()
        {
            Roles = ["system", "developer", "user", "assistant", "tool", "function"],
            Parts = new()
            {
                ["text"] = RequestParts.Text,
                ["refusal"] = RequestParts.Refusal,
                ["image_url"] = part => RequestParts.Image(part, part.Get("image_url"), "url"),
            },
            Tool = "function",
            FormatSchema = "json_schema",
            // Also the members that the answers of compatible servers have: clients send these answers back.
            Names = new(
                $"""
                {OpenAiMembers}
                {OpenAiTools}
                message: role content name refusal audio tool_calls tool_call_id function_call annotations parsed id
                    type index logprobs reasoning reasoning_content reasoning_details thinking thinking_blocks images
                    citations prefix partial cache_control extra_content executed_tools provider_specific_fields
                text: type text annotations cache_control
                refusal: type refusal
                image_url: type image_url cache_control
                .image_url: url detail format
                .tool_calls: id type index function extra_content provider_specific_fields
                """
            ),
            Defaults = new() { ["logit_bias"] = Empty },
        };

    /// <summary>The same for clients of this API: the providers that have it get the whole request.</summary>
    public static RequestTable NativeChatCompletions { get; } = ChatCompletions with { Natives = ["openai", "local"] };
}
