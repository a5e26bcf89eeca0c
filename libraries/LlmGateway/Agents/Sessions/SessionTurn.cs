using System.Text.Json.Serialization;
using EventStore;

namespace LlmGateway.Agents.Sessions;

/// <summary>A message and the events of its answer so far.</summary>
/// <param name="Asked">The message.</param>
/// <param name="AskedAt">Time of the message.</param>
/// <param name="EndedAt">Time of the answer's end, or null if it has not ended.</param>
/// <param name="Stored">The events as they are stored.</param>
internal sealed record SessionTurn(
    [property: JsonIgnore] StoredMessage Asked,
    DateTimeOffset AskedAt,
    DateTimeOffset? EndedAt,
    [property: JsonIgnore] IReadOnlyList<RunEntry> Stored
)
{
    /// <summary>Text of the message.</summary>
    [JsonPropertyOrder(-1)]
    public string Message => Asked.Content;

    /// <summary>The events as clients get them; consecutive text is one event.</summary>
    public IReadOnlyList<JsonElement> Events => AgentEvents.ShownOf(Stored);
}

/// <summary>
/// Reads messages in the order of the log, and assigns to each its answer, by the key of the event that ends the turn.
/// </summary>
internal sealed class TurnReader
{
    private readonly List<RunEntry> _messages = [];
    private readonly Dictionary<string, (List<RunEntry> Events, DateTimeOffset EndedAt)> _answers = [];
    private List<RunEntry> _events = [];

    public void Add(RunEntry entry)
    {
        if (entry is { OfLog: true, Type: StoredMessage.Type })
            _messages.Add(entry);
        else if (entry.Type == AgentEvents.MessageEnd)
        {
            if (entry.Key is { } key)
                _answers.TryAdd(key, (_events, entry.Time));
            _events = [];
        }
        else if (!entry.OfLog)
            _events.Add(entry);
    }

    public IEnumerable<SessionTurn> Turns()
    {
        foreach (var asked in _messages)
            if (_answers.TryGetValue(asked.Key!, out var answer))
                yield return new(StoredMessage.Of(asked), asked.Time, answer.EndedAt, answer.Events);
            else
            {
                // An unfinished answer belongs to the first message without a finished answer.
                yield return new(StoredMessage.Of(asked), asked.Time, EndedAt: null, _events);
                _events = [];
            }
    }
}
