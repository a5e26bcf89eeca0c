using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmGateway.VendorApis.Messages;

// Types of Anthropic's Messages API. Only the OpenAPI document uses them: MessagesRequestReader reads requests member
// by member, MessagesResponse writes responses so.

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

internal sealed record MessageCount([property: JsonPropertyName("input_tokens")] long InputTokens);

internal sealed record MessageParam(string Role, string Content);

internal sealed record MessageAnswer(
    string Id,
    string Type,
    string Role,
    string Model,
    IReadOnlyList<MessageBlock> Content,
    [property: JsonPropertyName("stop_reason")] string? StopReason,
    [property: JsonPropertyName("stop_sequence")] string? StopSequence,
    MessageUsage Usage
);

internal sealed record MessageBlock(string Type, string? Text, string? Id, string? Name, JsonElement? Input);

internal sealed record MessageUsage(
    [property: JsonPropertyName("input_tokens")] long InputTokens,
    [property: JsonPropertyName("output_tokens")] long OutputTokens,
    [property: JsonPropertyName("cache_read_input_tokens")] long? CacheReadInputTokens
);

internal sealed record MessageStart(string Type, MessageAnswer Message);

internal sealed record MessagePing(string Type);

internal sealed record MessageBlockStart(
    string Type,
    int Index,
    [property: JsonPropertyName("content_block")] MessageBlock ContentBlock
);

internal sealed record MessageBlockDelta(string Type, int Index, MessageDeltaPart Delta);

internal sealed record MessageDeltaPart(
    string Type,
    string? Text,
    [property: JsonPropertyName("partial_json")] string? PartialJson
);

internal sealed record MessageBlockStop(string Type, int Index);

internal sealed record MessageDelta(string Type, MessageDeltaStop Delta, MessageUsage Usage);

internal sealed record MessageDeltaStop(
    [property: JsonPropertyName("stop_reason")] string StopReason,
    [property: JsonPropertyName("stop_sequence")] string? StopSequence
);

internal sealed record MessageStop(string Type);

internal sealed record MessageError(
    string Type,
    MessageErrorDetail Error,
    [property: JsonPropertyName("request_id")] string? RequestId
);

internal sealed record MessageErrorDetail(string Type, string Message);
