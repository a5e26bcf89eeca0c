using EventStore;
using Runs;
using Streaming.Requests;

namespace LlmGateway.Agents.Sessions;

/// <summary>The logs of sessions: stores messages, and reads what the next answer needs.</summary>
internal sealed class SessionLog(AllRuns runs, ReadGate turns, TimeProvider clock)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(2);

    /// <summary>Stores the announcement or a message of a session. An event with a known id is stored once.</summary>
    public Task AppendAsync(
        RunName session,
        string client,
        RunEvent written,
        Guid id,
        CancellationToken cancellationToken
    ) => runs.AppendAsync(session, client, written, id, cancellationToken);

    /// <summary>Finds the first message without an answer. The entry has no data.</summary>
    public Task<RunEntry?> PendingAsync(RunName session, CancellationToken cancellationToken) =>
        runs.FirstUnansweredAsync(session, SessionEvents.Message, SessionEvents.MessageEnd, cancellationToken);

    /// <summary>
    /// Reads the turn of an acquired run, or null if another run has answered the message. Retries while the store is
    /// unavailable, because the message is acknowledged, and no other replica answers it while this one has the run.
    /// </summary>
    /// <param name="run">The run of the session.</param>
    /// <param name="clientOf">Returns the client whose turn the read uses. All sessions of a client have one place in
    /// the rotation.</param>
    /// <exception cref="OperationCanceledException">The run must stop.</exception>
    public async Task<PendingTurn?> ReadTurnAsync(Run run, Func<SessionStarted?, ClientKey> clientOf)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (await PendingAsync(run.Name, run.Stopping) is not { } message)
                    return null;

                var session = await SessionStarted.ReadAsync(run.Name, runs, run.Stopping);
                var client = clientOf(session);
                using (await turns.EnterAsync(client, run.Stopping))
                    return new PendingTurn(
                        client,
                        session,
                        await Conversation.ReadAsync(run.Name, message, runs, run.Stopping)
                    );
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(Backoff.Delay(attempt, FirstDelay, MaxDelay), clock, run.Stopping);
            }
        }
    }
}
