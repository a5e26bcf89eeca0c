using Microsoft.Extensions.AI;

namespace LlmGateway.Agents.Tools;

/// <summary>A tool of the agent. It runs with the server's rights, so only callers that may read all of its results get
/// it.</summary>
/// <param name="Function">Its code and its description for the model.</param>
/// <param name="Reads">Topic or pattern that a caller must be allowed to read; null: none.</param>
internal sealed record AgentTool(AIFunction Function, string? Reads = null);
