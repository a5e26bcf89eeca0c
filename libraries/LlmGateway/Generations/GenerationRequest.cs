using System.Text.Json.Serialization;

namespace LlmGateway.Generations;

/// <summary>Body of a request for a generation.</summary>
internal sealed record GenerationRequest(
    IReadOnlyList<ChatRequestMessage> Messages,
    string? Model,
    string? Provider,
    int? MaxTokens,
    IReadOnlyList<JsonElement>? Tools,
    [property: JsonPropertyName("tool_choice")] JsonElement? ToolChoice,
    [property: JsonPropertyName("response_format")] JsonElement? ResponseFormat
);

internal sealed record ChatRequestMessage(string Role, string Content);
