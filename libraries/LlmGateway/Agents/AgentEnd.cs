namespace LlmGateway.Agents;

internal sealed record AgentEnd(string Type);
