using System.Text.Json.Serialization;
using EventStore;

namespace LlmGateway.Agents.Sessions;

/// <summary>The history of a session.</summary>
/// <param name="SessionId">Id of the session.</param>
/// <param name="Provider">Requested provider, or null for the default.</param>
/// <param name="Model">Requested model, or null for the provider's default.</param>
/// <param name="CreatedAt">Time of its creation.</param>
/// <param name="Turns">The session's newest turns, oldest first.</param>
/// <param name="Truncated">True if earlier turns are left out (<c>RunOptions.MaxReadBytes</c>); the stream has all
/// turns.</param>
internal sealed record SessionState(
    [property: JsonPropertyName("session_id")] string SessionId,
    string? Provider,
    string? Model,
    DateTimeOffset CreatedAt,
    IReadOnlyList<SessionTurn> Turns,
    bool? Truncated = null
)
{
    /// <summary>Reads a session. Null if it does not exist.</summary>
    public static async Task<(SessionState State, StreamPosition Position)?> ReadAsync(
        RunName name,
        RunStore runs,
        int maxBytes,
        CancellationToken cancellationToken
    )
    {
        if (await SessionStarted.ReadAsync(name, runs, cancellationToken) is not { } session)
            return null;

        var reader = new TurnReader();
        var extent = await runs.ReadNewestAsync(name.Topic, maxBytes, reader.Add, cancellationToken);
        var state = new SessionState(
            name.Id,
            session.Provider,
            session.Model,
            session.CreatedAt!.Value,
            [.. reader.Turns()],
            extent.IsWhole ? null : true
        );

        return (state, new StreamPosition(extent.Epoch, extent.Through));
    }
}
