using EventStore;

namespace LlmGateway.Agents.Sessions;

/// <summary>
/// Data of the event that announces a session, or one question. Each message of a session repeats these data, with the
/// time of that event, because retention drops the announcement of a session in use.
/// </summary>
/// <param name="Provider">Requested provider, or null for the default.</param>
/// <param name="Model">Requested model, or null for the provider's default.</param>
/// <param name="CreatedAt">Time of the announcement, or null in the announcement itself.</param>
/// <param name="Owner">The user who created the session, or null for an anonymous one.</param>
internal sealed record SessionStarted(
    string? Provider,
    string? Model,
    DateTimeOffset? CreatedAt = null,
    string? Owner = null
)
{
    /// <summary>Reads a session from the oldest event of its log, which is the announcement or a message. Null if it
    /// does not exist.</summary>
    public static async Task<SessionStarted?> ReadAsync(
        RunName name,
        RunStore runs,
        CancellationToken cancellationToken
    )
    {
        if (await runs.LogStartAsync(name.Topic, cancellationToken) is not { First: var first } log)
            return null;
        if (!log.IsAnnouncement)
            return StoredMessage.Of(first).Announced ?? new SessionStarted(null, null, first.Time);

        var session = JsonSerializer.Deserialize(first.Data, RunJson.Options.TypeOf<SessionStarted>())!;
        return session with { CreatedAt = first.Time };
    }
}

/// <summary>Data of the event with a message.</summary>
/// <param name="Content">The text.</param>
/// <param name="Tools">Names of its sender's tools.</param>
/// <param name="Announced">The session, or null if the gateway has not stored the message.</param>
internal sealed record StoredMessage(string Content, string[]? Tools, SessionStarted? Announced)
{
    public const string Type = "message";

    public static StoredMessage Of(RunEntry entry) =>
        JsonSerializer.Deserialize(entry.Data, RunJson.Options.TypeOf<StoredMessage>())!;
}
