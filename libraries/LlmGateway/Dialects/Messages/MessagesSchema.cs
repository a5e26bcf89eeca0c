using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmGateway.Dialects.Messages;

// The members of requests that this server reads. Only the OpenAPI document uses these types: MessagesRequestReader
// reads requests member by member.

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
