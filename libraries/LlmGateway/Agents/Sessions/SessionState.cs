using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>One message and its answer, as far as it has come: events as the session's stream sends them, text
/// joined.</summary>
internal sealed record SessionTurn(
    string Message,
    DateTimeOffset AskedAt,
    DateTimeOffset? EndedAt,
    IReadOnlyList<JsonElement> Events
);

/// <summary>A session's history, for a reader that comes later or from elsewhere.</summary>
/// <param name="SessionId">Its id.</param>
/// <param name="Provider">Who answers, where that was asked for.</param>
/// <param name="Model">With which model, where that was asked for.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Turns">Its newest turns, in their order.</param>
/// <param name="Truncated">True where earlier turns were left out: a session is read whole on its stream.</param>
internal sealed record SessionState(
    [property: JsonPropertyName("session_id")] string SessionId,
    string? Provider,
    string? Model,
    DateTimeOffset CreatedAt,
    IReadOnlyList<SessionTurn> Turns,
    bool? Truncated = null
)
{
    /// <summary>Null where there is no such session.</summary>
    public static async Task<(SessionState State, StreamId Position)?> ReadAsync(
        RunName name,
        RunLog runs,
        CancellationToken cancellationToken
    )
    {
        if (await runs.AnnouncementAsync(name, cancellationToken) is not { } announcement)
            return null;
        var turns = new TurnReader();
        var extent = await runs.ReadNewestAsync(name, turns.Take, cancellationToken);
        var session = SessionStarted.Of(announcement);
        var state = new SessionState(
            name.Id,
            session.Provider,
            session.Model,
            session.CreatedAt ?? announcement.Time,
            turns.All(),
            extent.IsWhole ? null : true
        );
        return (state, new StreamId(extent.Epoch, extent.Through));
    }

    /// <summary>Puts answers to their messages as the events come, by the key that ends a turn.</summary>
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
            else if (e.Type == "content")
                _text.Append(data.RootElement.GetProperty("data").GetString());
            else
            {
                CoalesceText();
                if (e.Type != "message_end")
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
                // What has come of an answer belongs to the first message that has none.
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
