using EventStore;
using Microsoft.Extensions.AI;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>The newest part of a session, as input for the model.</summary>
internal static class Conversation
{
    /// <summary>
    /// Reads the messages up to and including one, each with the text of its answer, at most
    /// <c>RunOptions.MaxReadBytes</c> besides that message. The first message is a user's, even if earlier messages are
    /// omitted; the last one has no answer yet.
    /// </summary>
    public static async Task<AgentInput> ReadAsync(
        RunName name,
        RunEntry message,
        AllRuns runs,
        CancellationToken cancellationToken
    )
    {
        var reader = new TurnReader();
        await runs.ReadConversationAsync(name, message, reader.Add, cancellationToken);

        var messages = new List<ChatMessage>();
        foreach (var turn in reader.Turns())
        {
            messages.Add(new ChatMessage(ChatRole.User, turn.Message));
            var answer = string.Concat(turn.Events.Select(e => e.GetProperty("data").GetString()));
            if (turn.EndedAt is not null && answer.Length > 0)
                messages.Add(new ChatMessage(ChatRole.Assistant, answer));
        }

        return new AgentInput(messages, reader.Tools, sizeof(char) * messages.Sum(m => (long)m.Text.Length));
    }
}

/// <summary>Input of a session's next answer.</summary>
/// <param name="Key">Key of the message.</param>
/// <param name="Client">The client whose shares the answer uses.</param>
/// <param name="Session">Provider and model, or null if retention has dropped them.</param>
/// <param name="Input">The message, and the conversation before it.</param>
internal sealed record PendingTurn(string Key, ClientKey Client, SessionStarted? Session, AgentInput Input);
