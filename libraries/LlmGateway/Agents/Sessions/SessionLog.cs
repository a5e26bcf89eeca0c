using EventStore;
using LlmGateway.Generations;
using LlmGateway.Providers;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Requests;

namespace LlmGateway.Agents.Sessions;

/// <summary>The logs of sessions: stores messages, and reads the next turn, which is the first message without an
/// answer and the conversation before it.</summary>
internal sealed class SessionLog(
    AllRuns runs,
    RunEventReader events,
    ReadGate turns,
    IOptions<RunOptions> options,
    TimeProvider clock
)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(2);

    /// <summary>Stores the announcement or a message of a session. An event with a known id is stored once.</summary>
    public Task AppendAsync(RunName session, string client, RunEvent written, Guid id, CancellationToken stop) =>
        runs.AppendAsync(session, client, written, id, stop);

    /// <summary>Finds the first message without an answer. The entry has no data.</summary>
    public Task<RunEntry?> PendingAsync(RunName session, CancellationToken cancellationToken) =>
        events.FirstUnansweredAsync(session.Topic, SessionEvents.Message, SessionEvents.MessageEnd, cancellationToken);

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
                    return new PendingTurn(client, session, await ReadAsync(run.Name, message, run.Stopping));
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
    private async Task<AgentInput> ReadAsync(RunName name, RunEntry message, CancellationToken cancellationToken)
    {
        var reader = new TurnReader();
        await events.ReadNewestAsync(
            name.Topic,
            SessionEvents.Answers,
            message.Position,
            options.Value.MaxReadBytes,
            reader.Add,
            cancellationToken
        );

        var messages = new List<ChatMessage>();
        var length = 0L;
        foreach (var turn in reader.Turns())
        {
            messages.Add(new ChatMessage(ChatRole.User, turn.Message));
            length += turn.Message.Length + turn.Events.Sum(e => (long)e.GetRawText().Length);
            if (turn.EndedAt is not null)
                messages.AddMessages(AnswerOf(turn.Events));
        }

        return new AgentInput(messages, reader.Tools, sizeof(char) * length, message.Key);
    }

    /// <summary>Returns an answer as updates, in which each call has a result: no model takes a call without
    /// one.</summary>
    private static List<ChatResponseUpdate> AnswerOf(IReadOnlyList<JsonElement> events)
    {
        var updates = events.Select(UpdateOf).ToList();
        // The calls of an answer follow each other, so only the last one may have no result.
        if (updates.LastOrDefault()?.Contents is [.., FunctionCallContent open])
            updates.Add(Result(open.CallId, "The server stopped. The tool may have run: it has no result."));
        return updates;
    }

    private static ChatResponseUpdate UpdateOf(JsonElement data) =>
        data.GetProperty("type").GetString() switch
        {
            SessionEvents.ToolUse => new(
                ChatRole.Assistant,
                [.. StoredContents.In(data) ?? [], GenerationEvents.CallOf(data)]
            ),
            SessionEvents.ToolResult => Result(
                data.GetProperty("id").GetString()!,
                data.TryGetProperty("output", out var output) ? output : null
            ),
            _ => new(ChatRole.Assistant, data.GetProperty("data").GetString()),
        };

    private static ChatResponseUpdate Result(string call, object? output) =>
        new(ChatRole.Tool, [ToolCalls.ResultOf(call, output)]);
}

/// <summary>Input of a session's next answer.</summary>
/// <param name="Client">The client whose shares the answer uses.</param>
/// <param name="Session">Provider and model, or null if retention has dropped them.</param>
/// <param name="Input">The message, and the conversation before it.</param>
internal sealed record PendingTurn(ClientKey Client, SessionStarted? Session, AgentInput Input);
