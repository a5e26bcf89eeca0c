using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmGateway.Dialects.ChatCompletions;

// The members of requests that this server reads. Only the OpenAPI document uses these types:
// ChatCompletionsRequestReader reads requests member by member.

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
