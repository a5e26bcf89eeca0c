using EventStore;
using Runs;
using Streaming.Requests;

namespace LlmGateway.Agents.Sessions;

/// <summary>Input of a session's next answer.</summary>
/// <param name="Key">Key of the message.</param>
/// <param name="Client">The client that the answer counts for.</param>
/// <param name="Session">Provider and model, or null if retention has dropped them.</param>
/// <param name="Input">The message, and what precedes it.</param>
internal sealed record PendingTurn(string Key, ClientKey Client, SessionStarted? Session, AgentInput Input)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Reads the turn of an acquired run, or null if another run has answered the message. Retries while the store is
    /// unavailable, because the message is acknowledged, and no other replica answers it while this one has the run.
    /// </summary>
    /// <param name="run">The run of the session.</param>
    /// <param name="clientOf">Returns the client whose turn to read it uses: all its sessions have one place in the
    /// rotation.</param>
    /// <param name="runs">The runs in the store.</param>
    /// <param name="turns">The turns to read.</param>
    /// <param name="clock">The clock.</param>
    /// <exception cref="OperationCanceledException">The run must stop.</exception>
    public static async Task<PendingTurn?> ReadAsync(
        Run run,
        Func<SessionStarted?, ClientKey> clientOf,
        RunLog runs,
        ReadGate turns,
        TimeProvider clock
    )
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (await runs.PendingAsync(run.Name, run.Stopping) is not { Key: { } key } message)
                    return null;

                var session = await SessionStarted.ReadAsync(run.Name, runs, run.Stopping);
                var client = clientOf(session);
                using (await turns.EnterAsync(client, run.Stopping))
                    return new PendingTurn(
                        key,
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
