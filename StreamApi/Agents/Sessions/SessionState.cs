using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using StreamApi.Runs;

namespace StreamApi.Agents.Sessions;

/// <summary>One message and its answer, as far as it has come: events as the session's stream sends them, text joined.</summary>
internal sealed record SessionTurn(string Message, DateTimeOffset AskedAt, DateTimeOffset? EndedAt, IReadOnlyList<JsonElement> Events);

/// <summary>A session's history, for a reader that comes later or from elsewhere.</summary>
internal sealed record SessionState(
    [property: JsonPropertyName("session_id")] string SessionId, string? Provider, string? Model, DateTimeOffset CreatedAt, IReadOnlyList<SessionTurn> Turns)
{
    /// <summary>Null where there is no such session.</summary>
    public static SessionState? Of(RunName name, RunRecord record)
    {
        SessionStarted? session = null;
        var messages = new List<(string Content, DateTimeOffset AskedAt)>();
        var answers = new List<(List<JsonElement> Events, DateTimeOffset? EndedAt)> { ([], null) };
        var text = new StringBuilder();
        foreach (var e in record.Events)
        {
            using var data = JsonDocument.Parse(e.Data);
            if (e.OfLog && e.Type == RunLog.Announcement) session ??= data.Deserialize<SessionStarted>(RunJson.Options);
            else if (e.OfLog) messages.Add((data.RootElement.GetProperty("content").GetString()!, e.Time));
            else if (e.Type == "content") text.Append(data.RootElement.GetProperty("data").GetString());
            else
            {
                Gather();
                if (e.Type != "message_end") answers[^1].Events.Add(data.RootElement.Clone());
                else
                {
                    // Messages are answered one after the other, in their order.
                    answers[^1] = (answers[^1].Events, e.Time);
                    answers.Add(([], null));
                }
            }
        }
        Gather();
        if (session is null) return null;
        var turns = messages.Select((m, i) => i < answers.Count
            ? new SessionTurn(m.Content, m.AskedAt, answers[i].EndedAt, answers[i].Events) : new SessionTurn(m.Content, m.AskedAt, null, []));
        return new SessionState(name.Id, session.Provider, session.Model, session.CreatedAt, [.. turns]);

        void Gather()
        {
            if (text.Length > 0) answers[^1].Events.Add(JsonSerializer.SerializeToElement(new { type = "content", data = text.ToString() }, RunJson.Options));
            text.Clear();
        }
    }
}
