namespace LlmGateway.Generations;

internal sealed record StoredPrompt(
    string Dialect,
    JsonElement Messages,
    string? Previous,
    JsonObject? Asked,
    string? Instructions = null
);
