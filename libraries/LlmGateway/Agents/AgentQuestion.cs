namespace LlmGateway.Agents;

/// <summary>A question to the agent.</summary>
/// <param name="Provider">Requested provider, or null for the default.</param>
/// <param name="Model">Requested model, or null for the provider's default.</param>
/// <param name="Client">The client whose share of the provider and of the memory the answer uses.</param>
/// <param name="Messages">The conversation, which ends with the question.</param>
/// <param name="Tools">Names of the tools that the agent may use, or null for only the tools without a policy.</param>
/// <param name="Bytes">Bytes of memory of the messages.</param>
/// <param name="Key">Key of the session's message, or null for a question outside a session.</param>
internal sealed record AgentQuestion(
    string? Provider,
    string? Model,
    ClientKey Client,
    IReadOnlyList<ChatMessage> Messages,
    string[]? Tools,
    long Bytes,
    string? Key = null
);
