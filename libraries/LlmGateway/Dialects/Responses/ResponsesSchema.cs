using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmGateway.Dialects.Responses;

// The members of requests that this server reads. Only the OpenAPI document uses this type: ResponsesRequestReader
// reads requests member by member.

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
