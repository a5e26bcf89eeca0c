using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Requests;

namespace LlmGateway.Agents.Sessions;

/// <summary>Reads the next question of a session, which is its first message without an answer and the conversation
/// before that message.</summary>
internal sealed class QuestionReader(RunStore runs, ReadGate turns, IOptions<RunOptions> options)
{
    /// <summary>Finds the first message without an answer. The entry has no data.</summary>
    public Task<RunEntry?> PendingAsync(RunName session, CancellationToken cancellationToken) =>
        runs.FirstUnansweredAsync(session.Topic, StoredMessage.Type, AgentEvents.MessageEnd, cancellationToken);

    /// <summary>Reads the question of an acquired run, or returns null if another run has answered the
    /// message.</summary>
    /// <remarks>The conversation is the messages up to that one, each with its answer and the answer's calls of tools,
    /// at most <c>RunOptions.MaxReadBytes</c> besides that message. The first message is a user's, even if earlier
    /// messages are omitted; the last one has no answer yet.</remarks>
    /// <param name="run">The run of the session.</param>
    /// <param name="client">The client whose turn the read uses, or null for the session's owner. All sessions of a
    /// client have one place in the rotation, and an anonymous session is a client of its own.</param>
    /// <exception cref="OperationCanceledException">The run must stop.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<AgentQuestion?> ReadAsync(Run run, ClientKey? client)
    {
        if (
            await PendingAsync(run.Name, run.Stopping) is not { } message
            || await SessionStarted.ReadAsync(run.Name, runs, run.Stopping) is not { } session
        )
            return null;

        var asks =
            client ?? (session.Owner is { } owner ? ClientKey.OfUser(owner) : new ClientKey(run.Topic, run.Topic));
        using var turn = await turns.EnterAsync(asks, run.Stopping);
        var reader = new TurnReader();
        await runs.ReadNewestAsync(
            run.Topic,
            AgentEvents.OfSession,
            message.Position,
            options.Value.MaxReadBytes,
            reader.Add,
            run.Stopping
        );

        var messages = new List<ChatMessage>();
        var length = 0L;
        string[]? tools = null;
        foreach (var (asked, _, endedAt, answer) in reader.Turns())
        {
            messages.Add(new ChatMessage(ChatRole.User, asked.Content));
            length += asked.Content.Length + answer.Sum(e => (long)e.Data.Length);
            tools = asked.Tools;
            if (endedAt is not null)
                messages.AddMessages(AgentEvents.UpdatesOf(answer));
        }

        return new(session.Provider, session.Model, asks, messages, tools, sizeof(char) * length, message.Key);
    }
}
