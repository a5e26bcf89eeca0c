using System.Text.Json;
using EventStore;
using LlmGateway.Generations;
using Microsoft.Extensions.AI;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>The newest part of a session, as input for the model.</summary>
internal static class Conversation
{
    /// <summary>
    /// Reads the messages up to and including one, each with its answer and the answer's calls of tools, at most
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
        await runs.ReadNewestAsync(name, SessionEvents.Answers, message, reader.Add, cancellationToken);

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
        if (updates.LastOrDefault()?.Contents is [FunctionCallContent open])
            updates.Add(Result(open.CallId, "The server stopped. The tool may have run: it has no result."));
        return updates;
    }

    private static ChatResponseUpdate UpdateOf(JsonElement data) =>
        data.GetProperty("type").GetString() switch
        {
            SessionEvents.ToolUse => new(ChatRole.Assistant, [GenerationEvents.CallOf(data)]),
            SessionEvents.ToolResult => Result(
                data.GetProperty("id").GetString()!,
                data.TryGetProperty("output", out var output) ? output : null
            ),
            _ => new(ChatRole.Assistant, data.GetProperty("data").GetString()),
        };

    private static ChatResponseUpdate Result(string call, object? output) =>
        new(ChatRole.Tool, [AgentToolResult.ForModel(call, output)]);
}

/// <summary>Input of a session's next answer.</summary>
/// <param name="Client">The client whose shares the answer uses.</param>
/// <param name="Session">Provider and model, or null if retention has dropped them.</param>
/// <param name="Input">The message, and the conversation before it.</param>
internal sealed record PendingTurn(ClientKey Client, SessionStarted? Session, AgentInput Input);
