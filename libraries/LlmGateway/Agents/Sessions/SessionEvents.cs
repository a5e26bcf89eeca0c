namespace LlmGateway.Agents.Sessions;

/// <summary>
/// Event types of a session: its log has the messages; its stream has the answers, each ended by
/// <see cref="MessageEnd"/> with the key of its message.
/// </summary>
internal static class SessionEvents
{
    public const string Message = "message",
        Content = "content",
        ToolUse = "tool_use",
        ToolResult = "tool_result",
        MessageEnd = "message_end";

    /// <summary>The parts of an answer that its model said or got, and its end.</summary>
    public static readonly string[] Answers = [Content, ToolUse, ToolResult, MessageEnd];

    /// <summary>Creates the event that ends the answer to a message.</summary>
    public static RunEvent End(string key) => RunEvent.Of(MessageEnd, new AgentEnd(MessageEnd)) with { Key = key };
}
