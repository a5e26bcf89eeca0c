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
    SessionLog log,
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

    private static readonly RunEvent Expired = AgentRuns.Error(
        "The start of this session is no longer stored. Create another session.",
        false,
        "expired"
    );

    /// <summary>Sessions that are being woken. The value is true if a session was woken again meanwhile.</summary>
    private readonly ConcurrentDictionary<RunName, bool> _waking = new();

    public static bool TryName(string id, out RunName name)
    {
        name = new RunName(Kind, id);
        return Guid.TryParseExact(id, "D", out var parsed) && parsed.ToString("D") == id;
    }

    /// <summary>Creates a session. Does nothing if one with this id exists.</summary>
    /// <exception cref="InvalidChatException">The provider or model is unknown.</exception>
    public async Task<RunName> CreateAsync(
        string? provider,
        string? model,
        SessionOwner owner,
        Guid id,
        CancellationToken cancellationToken
    )
    {
        if (provider is not null || model is not null)
            answers.Resolve(provider, model);

        var name = new RunName(Kind, id.ToString("D"));
        var started = RunEvent.Of(AllRuns.Announcement, new SessionStarted(provider, model, Owner: owner.User));
        await log.AppendAsync(name, owner.Client, started, id, cancellationToken);

        return name;
    }

    /// <summary>
    /// Stores a message; its answer follows on the session's stream. A message with a known id is stored once.
    /// </summary>
    public async Task SendAsync(
        RunName name,
        RunEvent message,
        string id,
        ClientKey client,
        CancellationToken cancellationToken
    )
    {
        await log.AppendAsync(name, client, message with { Key = id }, Guid.ParseExact(id, "N"), cancellationToken);
        await ContinueAsync(name, client);
    }

    /// <summary>Starts the next answer. A stopping server first asks another replica to continue.</summary>
    private async Task ContinueAsync(RunName name, ClientKey? client)
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
                if (await log.PendingAsync(name, CancellationToken.None) is not null)
                    await runs.HandOverAsync(name);
                return true;
            }

            // The check after the end of that answer finds every message that is stored now.
            if (live.Find(name) is { StopReason: StopReason.None })
                return true;

            await runs.ReleaseUnconfirmedAsync(name);

            // If another replica writes an answer, it checks for messages again at the end of that answer.
            if (
                await log.PendingAsync(name, CancellationToken.None) is { Key: { } key } message
                && await runs.TryAcquireAsync(name, ClientOf(client, name), message.Position, AgentRuns.Closing(key))
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
            if (await log.ReadTurnAsync(run, session => client ?? OwnerOf(session, run.Name)) is not { } turn)
            {
                await runs.ReleaseAsync(run);
                return;
            }

            var end = SessionEvents.End(turn.Input.Key!);
            run.Client = turn.Client;
            run.EndOf = failure => EndOf(failure, run, end);
            if (turn.Session is not { } session)
            {
                await run.EndAsync(Expired, end);
                return;
            }

            var target = answers.Resolve(session.Provider, session.Model);
            await answers.AnswerAsync(target, turn.Client, turn.Input, run, end);
        }
        catch (OperationCanceledException) when (run.StopReason == StopReason.Interrupted && run.LastStored is null)
        {
            // Another run answers the message.
            await runs.ReleaseAsync(run);
        }
    }

    private IReadOnlyList<RunEvent> EndOf(Exception? failure, Run run, RunEvent end)
    {
        switch (failure)
        {
            case null:
                return run.ClosingEvents;
            case UpstreamException e:
                return [AgentRuns.Error(e.Message, false, e.Reason), end];
            case InvalidChatException e:
                return [AgentRuns.Error(e.Message, false, "configuration"), end];
            default:
                logger.LogError(failure, "Session {Session} cannot answer a message", run.Id);
                return [AgentRuns.Error("The server failed. Its log has the reason.", false, "failed"), end];
        }
    }

    /// <summary>Returns the key of a session's owner; an anonymous session is a client of its own.</summary>
    private static ClientKey OwnerOf(SessionStarted? session, RunName name) =>
        session?.Owner is { } owner ? ClientKey.OfUser(owner) : ClientOf(null, name);

    private static ClientKey ClientOf(ClientKey? client, RunName name) =>
        client ?? new ClientKey(name.Topic, name.Topic);
}

/// <summary>The creator of a session.</summary>
/// <param name="User">Its owner, or null if it is anonymous.</param>
/// <param name="Client">The client whose share of the log the session's announcement uses.</param>
internal readonly record struct SessionOwner(string? User, ClientKey Client);
