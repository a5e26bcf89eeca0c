using EventStore;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Requests;

namespace LlmGateway.Agents.Sessions;

/// <summary>Reads the next question of a session, which is its first message without an answer and the conversation
/// before that message.</summary>
internal sealed class QuestionReader(RunStore runs, ReadGate turns, IOptions<RunOptions> options, TimeProvider clock)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(2);

    /// <summary>Finds the first message without an answer. The entry has no data.</summary>
    public Task<RunEntry?> PendingAsync(RunName session, CancellationToken cancellationToken) =>
        runs.FirstUnansweredAsync(session.Topic, StoredMessage.Type, AgentEvents.MessageEnd, cancellationToken);

    /// <summary>
    /// Reads the question of an acquired run, or null if another run has answered the message. Retries while the store
    /// is unavailable, because the message is acknowledged, and no other replica answers it while this one has the run.
    /// </summary>
    /// <param name="run">The run of the session.</param>
    /// <param name="client">The client whose turn the read uses, or null for the session's owner. All sessions of a
    /// client have one place in the rotation, and an anonymous session is a client of its own.</param>
    /// <exception cref="OperationCanceledException">The run must stop.</exception>
    public async Task<AgentQuestion?> ReadAsync(Run run, ClientKey? client)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (
                    await PendingAsync(run.Name, run.Stopping) is not { } message
                    || await SessionStarted.ReadAsync(run.Name, runs, run.Stopping) is not { } session
                )
                    return null;

                client ??= session.Owner is { } owner ? ClientKey.OfUser(owner) : new ClientKey(run.Topic, run.Topic);
                using var turn = await turns.EnterAsync(client.Value, run.Stopping);
                return await ReadAsync(run.Name, session, client.Value, message, run.Stopping);
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(Backoff.Delay(attempt, FirstDelay, MaxDelay), clock, run.Stopping);
            }
        }
    }

    /// <summary>
    /// Reads the messages up to and including one, each with its answer and the answer's calls of tools, at most
    /// <c>RunOptions.MaxReadBytes</c> besides that message. The first message is a user's, even if earlier messages are
    /// omitted; the last one has no answer yet.
    /// </summary>
    private async Task<AgentQuestion> ReadAsync(
        RunName name,
        SessionStarted session,
        ClientKey client,
        RunEntry message,
        CancellationToken cancellationToken
    )
    {
        var reader = new TurnReader();
        await runs.ReadNewestAsync(
            name.Topic,
            AgentEvents.OfSession,
            message.Position,
            options.Value.MaxReadBytes,
            reader.Add,
            cancellationToken
        );

        var messages = new List<ChatMessage>();
        var length = 0L;
        string[]? tools = null;
        foreach (var turn in reader.Turns())
        {
            messages.Add(new ChatMessage(ChatRole.User, turn.Asked.Content));
            length += turn.Asked.Content.Length + turn.Stored.Sum(e => (long)e.Data.Length);
            tools = turn.Asked.Tools;
            if (turn.EndedAt is not null)
                messages.AddMessages(AgentEvents.UpdatesOf(turn.Stored));
        }

        return new(session.Provider, session.Model, client, messages, tools, sizeof(char) * length, message.Key);
    }
}
