using EventStore;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>
/// Event types of a session: its log has the messages; its stream has the answers, each ended by
/// <see cref="MessageEnd"/> with the key of its message.
/// </summary>
internal static class SessionEvents
{
    public const string Message = "message",
        Content = "content",
        MessageEnd = "message_end";

    private static readonly string[] Answers = [Content, MessageEnd];

    /// <summary>Creates the event that ends the answer to a message.</summary>
    public static RunEvent End(string key) => RunEvent.Of(MessageEnd, new AgentEnd(MessageEnd)) with { Key = key };

    /// <summary>Reads the newest messages and answers up to and including one message, in bounded bytes.</summary>
    public static Task<RunExtent> ReadConversationAsync(
        this AllRuns runs,
        RunName name,
        RunEntry message,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) => runs.ReadNewestAsync(name, Answers, message, take, cancellationToken);
}
