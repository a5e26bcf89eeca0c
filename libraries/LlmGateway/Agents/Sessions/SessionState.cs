using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>A message and the events of its answer so far; consecutive text is one event.</summary>
internal sealed record SessionTurn(
    string Message,
    DateTimeOffset AskedAt,
    DateTimeOffset? EndedAt,
    IReadOnlyList<JsonElement> Events
);

/// <summary>The history of a session.</summary>
/// <param name="SessionId">Id of the session.</param>
/// <param name="Provider">Requested provider; null: the default.</param>
/// <param name="Model">Requested model; null: the provider's default.</param>
/// <param name="CreatedAt">Time of its creation.</param>
/// <param name="Turns">Its newest turns, oldest first.</param>
/// <param name="Truncated">True if earlier turns are left out (<c>Runs:MaxReadBytes</c>); the stream has all.</param>
internal sealed record SessionState(
    [property: JsonPropertyName("session_id")] string SessionId,
    string? Provider,
    string? Model,
    DateTimeOffset CreatedAt,
    IReadOnlyList<SessionTurn> Turns,
    bool? Truncated = null
)
{
    /// <summary>Reads a session; null if it does not exist.</summary>
    public static async Task<(SessionState State, StreamPosition Position)?> ReadAsync(
        RunName name,
        RunLog runs,
        CancellationToken cancellationToken
    )
    {
        if (await SessionStarted.ReadAsync(name, runs, cancellationToken) is not { } session)
            return null;
        var turns = new TurnReader();
        var extent = await runs.ReadNewestAsync(name, turns.Take, cancellationToken);
        var state = new SessionState(
            name.Id,
            session.Provider,
            session.Model,
            session.CreatedAt!.Value,
            turns.All(),
            extent.IsWhole ? null : true
        );
        return (state, new StreamPosition(extent.Epoch, extent.Through));
    }

    /// <summary>Assigns answers to their messages, by the key of the event that ends a turn.</summary>
    private sealed class TurnReader
    {
        private readonly List<(string Key, string Content, DateTimeOffset AskedAt)> _messages = [];
        private readonly Dictionary<string, (List<JsonElement> Events, DateTimeOffset EndedAt)> _answers = [];
        private readonly StringBuilder _text = new();
        private List<JsonElement> _events = [];

        public void Take(RunEntry e)
        {
            if (e.OfLog && e.Type == RunLog.Announcement)
                return;
            using var data = JsonDocument.Parse(e.Data);
            if (e.OfLog)
                _messages.Add((e.Key!, data.RootElement.GetProperty("content").GetString()!, e.Time));
            else if (e.Type == SessionEvents.Content)
                _text.Append(data.RootElement.GetProperty("data").GetString());
            else
            {
                CoalesceText();
                if (e.Type != SessionEvents.MessageEnd)
                    _events.Add(data.RootElement.Clone());
                else
                {
                    if (e.Key is { } key)
                        _answers.TryAdd(key, (_events, e.Time));
                    _events = [];
                }
            }
        }

        public List<SessionTurn> All()
        {
            CoalesceText();
            var turns = new List<SessionTurn>();
            foreach (var (key, content, askedAt) in _messages)
            {
                var isAnswered = _answers.TryGetValue(key, out var answer);
                turns.Add(
                    new SessionTurn(
                        content,
                        askedAt,
                        isAnswered ? answer.EndedAt : null,
                        isAnswered ? answer.Events : _events
                    )
                );
                // An unfinished answer belongs to the first message without one.
                if (!isAnswered)
                    _events = [];
            }
            return turns;
        }

        private void CoalesceText()
        {
            if (_text.Length > 0)
                _events.Add(
                    JsonSerializer.SerializeToElement(
                        new { type = "content", data = _text.ToString() },
                        RunJson.Options
                    )
                );
            _text.Clear();
        }
    }
}
