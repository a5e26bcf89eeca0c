using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmGateway.VendorApis.ChatCompletions;

// Types of OpenAI's Chat Completions API. Only the OpenAPI document uses them: ChatCompletionsRequestReader reads
// requests member by member, ChatCompletionsResponse writes responses so.

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

internal sealed record ChatCompletion(
    string Id,
    string Object,
    long Created,
    string Model,
    IReadOnlyList<ChatCompletionChoice> Choices,
    ChatCompletionUsage Usage
);

internal sealed record ChatCompletionChoice(
    int Index,
    ChatCompletionAnswer Message,
    [property: JsonPropertyName("finish_reason")] string FinishReason
);

internal sealed record ChatCompletionAnswer(
    string Role,
    string? Content,
    string? Refusal,
    [property: JsonPropertyName("tool_calls")] IReadOnlyList<ChatCompletionToolCall>? ToolCalls
);

internal sealed record ChatCompletionToolCall(int? Index, string Id, string Type, ChatCompletionFunction Function);

internal sealed record ChatCompletionFunction(string Name, string Arguments);

internal sealed record ChatCompletionUsage(
    [property: JsonPropertyName("prompt_tokens")] long PromptTokens,
    [property: JsonPropertyName("completion_tokens")] long CompletionTokens,
    [property: JsonPropertyName("total_tokens")] long TotalTokens,
    [property: JsonPropertyName("prompt_tokens_details")] ChatCompletionPromptDetails? PromptTokensDetails
);

internal sealed record ChatCompletionPromptDetails([property: JsonPropertyName("cached_tokens")] long? CachedTokens);

internal sealed record ChatCompletionChunk(
    string Id,
    string Object,
    long Created,
    string Model,
    IReadOnlyList<ChatCompletionChunkChoice> Choices,
    ChatCompletionUsage? Usage
);

internal sealed record ChatCompletionChunkChoice(
    int Index,
    ChatCompletionDelta Delta,
    [property: JsonPropertyName("finish_reason")] string? FinishReason
);

internal sealed record ChatCompletionDelta(
    string? Role,
    string? Content,
    [property: JsonPropertyName("tool_calls")] IReadOnlyList<ChatCompletionToolCall>? ToolCalls
);

internal sealed record ChatCompletionError(ChatCompletionErrorDetail Error);

internal sealed record ChatCompletionErrorDetail(string Message, string Type, string? Param, string? Code);
