using System.Collections.Concurrent;
using EventStore;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>
/// Sessions in the store. The replica that acquires a session's run answers the first unanswered message, then the
/// next; if it fails or stops, another replica ends the turn as interrupted and continues.
/// </summary>
internal sealed class AgentSessions(
    AgentAnswers answers,
    QuestionReader questions,
    RunAcquisition runs,
    LiveRuns live,
    Shutdown shutdown,
    TimeProvider clock,
    ILogger<AgentSessions> logger
)
{
    public const string Kind = "sessions";

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(4);

    /// <summary>Sessions that are being woken. The value is true if a session was woken again meanwhile.</summary>
    private readonly ConcurrentDictionary<RunName, bool> _waking = new();

    public static bool TryName(string id, out RunName name)
    {
        name = new RunName(Kind, id);
        return Guid.TryParseExact(id, "D", out var parsed) && parsed.ToString("D") == id;
    }

    /// <summary>Starts the next answer. A stopping server first asks another replica to continue.</summary>
    public async Task ContinueAsync(RunName name, ClientKey? client)
    {
        if (!shutdown.IsLeaving || !await TryStartTurnAsync(name, client, 0))
            Wake(name, client);
    }

    /// <summary>Starts an answer to the first unanswered message, unless a replica already writes one. Retries until
    /// the store answers, because no other replica starts the answer to an acknowledged message.</summary>
    /// <param name="name">The session.</param>
    /// <param name="client">The client whose share of the provider and of the read turns the answer uses, or null for
    /// the session's owner.</param>
    public void Wake(RunName name, ClientKey? client)
    {
        if (!_waking.AddOrUpdate(name, false, (_, _) => true))
            _ = Task.Run(() => WakeAsync(name, client));
    }

    private async Task WakeAsync(RunName name, ClientKey? client)
    {
        try
        {
            do
            {
                _waking[name] = false;
                for (var attempt = 0; !await TryStartTurnAsync(name, client, attempt); attempt++)
                    await Task.Delay(Backoff.Delay(attempt, FirstDelay, MaxDelay), clock, shutdown.GraceExpired);
            } while (!_waking.TryRemove(new KeyValuePair<RunName, bool>(name, false)));
        }
        catch (Exception e)
        {
            _waking.TryRemove(name, out _);
            if (!shutdown.GraceExpired.IsCancellationRequested)
                logger.LogError(e, "Session {Session} cannot continue", name.Id);
        }
    }

    /// <summary>Continues the sessions among runs that have ended without their writer.</summary>
    public void Resume(IReadOnlyList<string> ended)
    {
        foreach (var topic in ended)
            if (RunName.Of(topic) is { Kind: Kind } name)
                Wake(name, client: null);
    }

    /// <summary>Starts the next turn, if there is one. Returns false if the caller must try again.</summary>
    private async Task<bool> TryStartTurnAsync(RunName name, ClientKey? client, int attempt)
    {
        try
        {
            if (shutdown.IsLeaving)
            {
                if (await questions.PendingAsync(name, CancellationToken.None) is not null)
                    await runs.HandOverAsync(name);
                return true;
            }

            // The check after the end of that answer finds every message that is stored now.
            if (live.Find(name) is { StopReason: StopReason.None })
                return true;

            await runs.ReleaseUnconfirmedAsync(name);

            // If another replica writes an answer, it checks for messages again at the end of that answer.
            if (
                await questions.PendingAsync(name, CancellationToken.None) is { Key: { } key } message
                && await runs.TryAcquireAsync(
                    name,
                    client ?? new ClientKey(name.Topic, name.Topic),
                    message.Position,
                    AgentEvents.Closing(key)
                )
                    is { } run
            )
                // A message that arrives during the turn finds the session busy.
                _ = live.Start(run, r => AnswerAsync(r, client), () => ContinueAsync(name, client));

            return true;
        }
        catch (StoreUnavailableException e)
        {
            if (attempt == 0)
                logger.LogWarning(
                    "Session {Session} cannot continue, since the store is unavailable. It is retried: {Reason}",
                    name.Id,
                    e.Message
                );
            // A stopped server cannot try again: the message waits for the session's next message, or for a stream.
            return shutdown.IsStopped;
        }
    }

    private async Task AnswerAsync(Run run, ClientKey? client)
    {
        try
        {
            if (await questions.ReadAsync(run, client) is { } question)
            {
                run.Client = question.Client;
                await answers.AnswerAsync(run, question);
                return;
            }
        }
        // Another run answers the message.
        catch (OperationCanceledException) when (run.StopReason == StopReason.Interrupted && run.LastStored is null) { }
        catch (StoreUnavailableException) when (run.LastStored is null)
        {
            await Task.Delay(FirstDelay, clock);
        }

        await runs.ReleaseAsync(run);
    }
}
