using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using StreamApi.Runs;

namespace StreamApi.Agents.Sessions;

/// <summary>How a session was asked for.</summary>
internal sealed record SessionStarted(string? Provider, string? Model, DateTimeOffset CreatedAt);

/// <summary>
/// A session as its events tell it: messages in the order of the log, answers in the order of their turns. Which message a turn answered
/// stands in the key of its <c>message_end</c>.
/// </summary>
internal sealed class Conversation
{
    private readonly List<(string Key, string Content)> _messages = [];
    private readonly Dictionary<string, string> _answers = [];

    private Conversation(SessionStarted session) => Session = session;

    public SessionStarted Session { get; }

    /// <summary>Null where there is no such session.</summary>
    public static Conversation? Of(RunRecord record)
    {
        Conversation? conversation = null;
        var answer = new StringBuilder();
        foreach (var e in record.Events)
        {
            using var data = JsonDocument.Parse(e.Data);
            if (e.OfLog && e.Type == RunLog.Announcement) conversation ??= new Conversation(data.Deserialize<SessionStarted>(RunJson.Options)!);
            else if (conversation is null) continue;
            else if (e.OfLog) conversation._messages.Add((e.Key!, data.RootElement.GetProperty("content").GetString()!));
            else if (e.Type == "content") answer.Append(data.RootElement.GetProperty("data").GetString());
            else if (e.Type == "message_end" && e.Key is { } key)
            {
                conversation._answers.TryAdd(key, answer.ToString());
                answer.Clear();
            }
        }
        return conversation;
    }

    /// <summary>The key of the first message without an answer; null where all have one.</summary>
    public string? Pending => _messages.Find(m => !_answers.ContainsKey(m.Key)).Key;

    /// <summary>What was said up to and with that message.</summary>
    public IEnumerable<ChatMessage> Until(string key)
    {
        foreach (var (of, content) in _messages)
        {
            yield return new ChatMessage(ChatRole.User, content);
            if (of == key) yield break;
            if (_answers.GetValueOrDefault(of) is { Length: > 0 } answer) yield return new ChatMessage(ChatRole.Assistant, answer);
        }
    }
}
