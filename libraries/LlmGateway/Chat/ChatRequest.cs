using System.Text.Json.Serialization;

namespace LlmGateway.Chat;

/// <summary>The body of a chat request; <c>max_tokens</c> sets the length of the demo model's answer.</summary>
internal sealed record ChatRequest(
    IReadOnlyList<ChatRequestMessage> Messages,
    string? Model,
    string? Provider,
    [property: JsonPropertyName("max_tokens")] int? MaxTokens
);

internal sealed record ChatContent(string Content);

internal sealed record PacedContent(
    string Content,
    [property: JsonPropertyName("buffer_size")] int BufferSize,
    bool Paused
);
