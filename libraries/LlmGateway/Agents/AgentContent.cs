using System.Text.Json.Nodes;

namespace LlmGateway.Agents;

// Data of the events of an answer.

internal sealed record AgentContent(string Type, string Content, string Data);

internal sealed record AgentToolUse(string Type, string Id, string Tool, JsonNode Input);

internal sealed record AgentToolResult(string Type, string Id, string Tool, object? Output, double DurationMs);

internal sealed record AgentEnd(string Type);
