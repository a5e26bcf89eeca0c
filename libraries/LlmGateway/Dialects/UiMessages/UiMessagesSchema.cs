using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmGateway.Dialects.UiMessages;

// The members of requests that this server reads. Only the OpenAPI document uses these types: UiMessagesRequestReader
// reads requests member by member.

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
