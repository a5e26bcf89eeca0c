namespace LlmGateway.Agents;

/// <summary>The input that the agent answers.</summary>
/// <param name="Messages">The messages so far.</param>
/// <param name="Tools">Names of the tools that the agent may use, or null for only the tools without a policy.</param>
/// <param name="Bytes">Bytes of memory of the messages.</param>
/// <param name="Key">Key of the session's message, or null for a question outside a session.</param>
internal sealed record AgentInput(IEnumerable<ChatMessage> Messages, string[]? Tools, long Bytes, string? Key = null);
