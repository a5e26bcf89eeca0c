using System.Text.Json.Serialization;

namespace LlmGateway.Dialects;

// The members of requests that this server reads. Only the OpenAPI document uses these types: the dialects' readers
// read requests member by member.

internal sealed record ChatCompletionRequest(
    string Model,
    IReadOnlyList<ChatCompletionMessage> Messages,
    bool? Stream,
    [property: JsonPropertyName("stream_options")] ChatCompletionStreamOptions? StreamOptions,
    [property: JsonPropertyName("max_completion_tokens")] int? MaxCompletionTokens,
    float? Temperature,
    [property: JsonPropertyName("top_p")] float? TopP,
    IReadOnlyList<string>? Stop,
    IReadOnlyList<JsonElement>? Tools
);

internal sealed record ChatCompletionMessage(string Role, string? Content);

internal sealed record ChatCompletionStreamOptions([property: JsonPropertyName("include_usage")] bool? IncludeUsage);

internal sealed record MessageRequest(
    string Model,
    [property: JsonPropertyName("max_tokens")] int MaxTokens,
    IReadOnlyList<MessageParam> Messages,
    string? System,
    bool? Stream,
    float? Temperature,
    [property: JsonPropertyName("top_p")] float? TopP,
    [property: JsonPropertyName("stop_sequences")] IReadOnlyList<string>? StopSequences,
    IReadOnlyList<JsonElement>? Tools
);

internal sealed record MessageCountRequest(string Model, IReadOnlyList<MessageParam> Messages, string? System);

internal sealed record MessageParam(string Role, string Content);

internal sealed record ResponsesRequest(
    string Model,
    JsonElement Input,
    bool? Stream,
    bool? Background,
    bool? Store,
    string? Instructions,
    [property: JsonPropertyName("previous_response_id")] string? PreviousResponseId,
    IReadOnlyList<JsonElement>? Tools,
    [property: JsonPropertyName("tool_choice")] JsonElement? ToolChoice,
    JsonElement? Text,
    [property: JsonPropertyName("max_output_tokens")] int? MaxOutputTokens,
    float? Temperature,
    [property: JsonPropertyName("top_p")] float? TopP
);

internal sealed record UiMessagesRequest(
    string Id,
    IReadOnlyList<UiMessage> Messages,
    string? Trigger,
    string? Model,
    string? Provider,
    [property: JsonPropertyName("max_tokens")] int? MaxTokens,
    IReadOnlyList<JsonElement>? Tools
);

internal sealed record UiMessage(string Id, string Role, IReadOnlyList<JsonElement> Parts);

internal sealed record RunAgentInput(
    string ThreadId,
    string RunId,
    IReadOnlyList<RunAgentMessage> Messages,
    IReadOnlyList<JsonElement>? Tools,
    IReadOnlyList<RunAgentContext>? Context,
    JsonElement? ForwardedProps
);

internal sealed record RunAgentMessage(string Id, string Role, string? Content, string? ToolCallId);

internal sealed record RunAgentContext(string Description, string Value);
