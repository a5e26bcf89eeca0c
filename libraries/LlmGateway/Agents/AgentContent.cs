using LlmGateway.Generations;

namespace LlmGateway.Agents;

// Data of the events of an answer.

internal sealed record AgentContent(string Type, string Content, string Data);

/// <param name="Details">The reasoning before the call, which only the model gets.</param>
internal sealed record AgentToolUse(
    string Type,
    string Id,
    string Tool,
    JsonNode Input,
    StoredContents? Details = null
);

internal sealed record AgentToolResult(string Type, string Id, string Tool, object? Output, double DurationMs);

internal sealed record AgentEnd(string Type);
