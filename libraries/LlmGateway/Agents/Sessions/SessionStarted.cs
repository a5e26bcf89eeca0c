using EventStore;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>
/// Data of the event that announces a session. Each message repeats these data, with the time of that event, in
/// <see cref="Member"/>, because retention drops the announcement of a session in use.
/// </summary>
internal sealed record SessionStarted(
    string? Provider,
    string? Model,
    DateTimeOffset? CreatedAt = null,
    string? Owner = null
)
{
    private const string Member = "announced";

    /// <summary>
    /// Reads a session. Null if it does not exist. The oldest event is the announcement or a message; a message of an
    /// earlier version does not repeat the announcement, but the newest message may.
    /// </summary>
    public static async Task<SessionStarted?> ReadAsync(
        RunName name,
        AllRuns runs,
        CancellationToken cancellationToken
    ) =>
        await runs.FirstOfLogAsync(name, cancellationToken) is not { } first ? null
        : Of(first) is { } session ? session
        : await runs.LastOfLogAsync(name, cancellationToken) is { } last ? Of(last)
        : null;

    /// <summary>Creates a message to the session, with the names of its sender's tools.</summary>
    public RunEvent Message(string content, string[] tools) =>
        RunEvent.Of(SessionEvents.Message, new StoredMessage(content, tools, Announced: this));

    private static SessionStarted? Of(RunEntry entry)
    {
        using var data = JsonDocument.Parse(entry.Data);
        if (entry.Type != AllRuns.Announcement)
            return data.RootElement.TryGetProperty(Member, out var copy)
                ? copy.Deserialize(RunJson.Options.TypeOf<SessionStarted>())
                : null;

        var session = data.RootElement.Deserialize(RunJson.Options.TypeOf<SessionStarted>())!;
        return session with { CreatedAt = session.CreatedAt ?? entry.Time };
    }
}

/// <summary>Data of the event with a message.</summary>
internal sealed record StoredMessage(string Content, string[] Tools, SessionStarted Announced);
