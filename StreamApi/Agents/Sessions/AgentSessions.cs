using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Chat;
using StreamApi.Chat.Generations;
using StreamApi.Chat.Providers;
using StreamApi.Chat.Telemetry;
using StreamApi.Runs;

namespace StreamApi.Agents.Sessions;

/// <summary>
/// Conversations that live in the store: messages wait there, and whichever replica gets the session's run answers the first that has no
/// answer, then the next. One turn at a time in a session, on one replica; a turn whose replica dies is ended by its will, and the next
/// message goes on.
/// </summary>
internal sealed class AgentSessions : IDisposable
{
    public const string Kind = "sessions";

    private readonly Agent _agent;
    private readonly ChatProviders _providers;
    private readonly RunLog _runs;
    private readonly LiveRuns _live;
    private readonly RunLeases _leases;
    private readonly JoinBeat _beat;
    private readonly ChatMetrics _metrics;
    private readonly LlmOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<AgentSessions> _logger;

    public AgentSessions(
        Agent agent, ChatProviders providers, RunLog runs, LiveRuns live, RunLeases leases, JoinBeat beat, ChatMetrics metrics, IOptions<LlmOptions> options, TimeProvider clock, ILogger<AgentSessions> logger)
    {
        (_agent, _providers, _runs, _live, _leases, _beat, _metrics, _options, _clock, _logger) = (agent, providers, runs, live, leases, beat, metrics, options.Value, clock, logger);
        _leases.Swept += GoOn;
    }

    public void Dispose() => _leases.Swept -= GoOn;

    public static bool TryName(string id, out RunName name)
    {
        name = new RunName(Kind, id);
        return Guid.TryParseExact(id, "D", out var parsed) && parsed.ToString("D") == id;
    }

    /// <exception cref="InvalidChatException">There is no such provider or model.</exception>
    public async Task<string> CreateAsync(string? provider, string? model, CancellationToken cancellationToken)
    {
        if (provider is not null || model is not null) _providers.Resolve(provider, model);
        var id = Guid.NewGuid().ToString("D");
        await _runs.NoteAsync(new RunName(Kind, id), RunEvent.Of(RunLog.Announcement, new SessionStarted(provider, model, _clock.GetUtcNow())), cancellationToken);
        return id;
    }

    /// <summary>Stores the message; its answer follows on the session's stream.</summary>
    public async Task SendAsync(RunName name, string content, CancellationToken cancellationToken)
    {
        await _runs.NoteAsync(name, RunEvent.Of("message", new { content }) with { Key = Guid.CreateVersion7().ToString("N") }, cancellationToken);
        Wake(name);
    }

    /// <summary>Sees to it that somebody answers what has no answer yet.</summary>
    public void Wake(RunName name) => _ = Task.Run(() => TakeTurnAsync(name));

    private void GoOn(IReadOnlyList<string> ended)
    {
        foreach (var topic in ended) if (RunName.Of(topic) is { Kind: Kind } name) Wake(name);
    }

    private async Task TakeTurnAsync(RunName name)
    {
        try
        {
            var conversation = Conversation.Of(await _runs.ReadAsync(name, CancellationToken.None));
            if (conversation?.Pending is not { } key) return;
            // Another turn of the session goes on: at its end its replica looks again.
            if (await _runs.TryBeginAsync(Kind, null, name.Id, Interrupted(key)) is not { } run) return;
            _ = _live.Start(run, AnswerAsync);
        }
        catch (StoreUnavailableException e) { _logger.LogWarning("Session {Session} waits for the store: {Reason}", name.Id, e.Message); }
    }

    private async Task AnswerAsync(Run run)
    {
        // Read again: what was pending may have been answered before this run began.
        var conversation = Conversation.Of(await _runs.ReadAsync(run.Name, run.Stopping));
        if (conversation?.Pending is not { } key) await _runs.ReleaseAsync(run);
        else await AnswerAsync(run, conversation, key);
        run.MarkEnded();
        // A message that came meanwhile found the session busy.
        if (run.StopReason == RunStop.None) Wake(run.Name);
    }

    private async Task AnswerAsync(Run run, Conversation conversation, string key)
    {
        var end = RunEvent.Of("message_end", new { type = "message_end" }) with { Key = key };
        RunWriter? writer = null;
        try
        {
            var target = _providers.Resolve(conversation.Session.Provider, conversation.Session.Model);
            writer = new RunWriter(run, Agent.Content, _options, _beat, _metrics, target.Provider, _clock);
            await _agent.AnswerAsync(target, conversation.Until(key), writer, run.Stopping);
            await writer.EndAsync(end);
        }
        catch (OperationCanceledException) when (writer is not null && run.StopReason is RunStop.Interrupted or RunStop.Cancelled) { await writer!.EndAsync(Interrupted(key)); }
        catch (UpstreamException e) { await writer!.EndAsync(AgentRuns.Error(e.Message, false, e.Reason), end); }
        catch (InvalidChatException e) { await run.EndAsync(AgentRuns.Error(e.Message, false, "configuration"), end); }
    }

    private static RunEvent[] Interrupted(string key) =>
    [
        AgentRuns.Error("The server that worked on this stopped before it was finished. Send the message again.", false, "interrupted"),
        RunEvent.Of("message_end", new { type = "message_end" }) with { Key = key },
    ];
}
