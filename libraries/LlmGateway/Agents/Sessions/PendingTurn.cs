namespace LlmGateway.Agents.Sessions;

/// <summary>Input of a session's next answer.</summary>
/// <param name="Key">Key of the message.</param>
/// <param name="Client">The client whose shares the answer uses.</param>
/// <param name="Session">Provider and model, or null if retention has dropped them.</param>
/// <param name="Input">The message, and the conversation before it.</param>
internal sealed record PendingTurn(string Key, ClientKey Client, SessionStarted? Session, AgentInput Input);
