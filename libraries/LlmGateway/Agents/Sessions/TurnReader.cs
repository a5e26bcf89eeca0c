using System.Text;
using EventStore;
using LlmGateway.Generations;
using LlmGateway.Providers;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>A message and the events of its answer so far; consecutive text is one event.</summary>
internal sealed record SessionTurn(
    string Message,
    DateTimeOffset AskedAt,
    DateTimeOffset? EndedAt,
    IReadOnlyList<JsonElement> Events
);

/// <summary>
/// Reads messages in the order of the log, and assigns to each its answer, by the key of the event that ends the turn.
/// </summary>
/// <param name="isShown">True for the events as clients get them, false for those that the model gets.</param>
internal sealed class TurnReader(bool isShown = false)
{
    private readonly List<(string Key, string Content, DateTimeOffset AskedAt)> _messages = [];
    private readonly Dictionary<string, (List<JsonElement> Events, DateTimeOffset EndedAt)> _answers = [];
    private readonly StringBuilder _text = new();
    private List<JsonElement> _events = [];

    /// <summary>Names of the tools of the newest message's sender, or null in messages of an earlier version.</summary>
    public string[]? Tools { get; private set; }

    public void Add(RunEntry entry)
    {
        if (entry.OfLog && entry.Type == AllRuns.Announcement)
            return;

        using var data = JsonDocument.Parse(entry.Data);

        if (entry.OfLog)
        {
            _messages.Add((entry.Key!, data.RootElement.GetProperty("content").GetString()!, entry.Time));
            Tools = data.RootElement.TryGetProperty("tools", out var tools)
                ? tools.Deserialize(NodeJson.Default.StringArray)
                : null;
        }
        else if (entry.Type == SessionEvents.Content)
            _text.Append(data.RootElement.GetProperty("data").GetString());
        else
        {
            CoalesceText();
            if (entry.Type == SessionEvents.MessageEnd)
                EndTurn(entry);
            else
                _events.Add(
                    isShown
                        ? JsonElement.Parse(GenerationEvents.WithoutDetails(Encoding.UTF8.GetBytes(entry.Data)).Span)
                        : data.RootElement.Clone()
                );
        }
    }

    public List<SessionTurn> Turns()
    {
        CoalesceText();
        var turns = new List<SessionTurn>();
        foreach (var (key, content, askedAt) in _messages)
            if (_answers.TryGetValue(key, out var answer))
                turns.Add(new SessionTurn(content, askedAt, answer.EndedAt, answer.Events));
            else
            {
                // An unfinished answer belongs to the first message without a finished answer.
                turns.Add(new SessionTurn(content, askedAt, EndedAt: null, _events));
                _events = [];
            }

        return turns;
    }

    private void EndTurn(RunEntry entry)
    {
        if (entry.Key is { } key)
            _answers.TryAdd(key, (_events, entry.Time));
        _events = [];
    }

    private void CoalesceText()
    {
        var text = new JsonObject { ["type"] = SessionEvents.Content, ["data"] = _text.ToString() };
        if (_text.Length > 0)
            _events.Add(JsonSerializer.SerializeToElement(text, RunJson.Options.TypeOf<JsonObject>()));
        _text.Clear();
    }
}
