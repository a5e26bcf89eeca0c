using System.Text;
using System.Text.Json;
using EventStore;
using Microsoft.Extensions.AI;
using Runs;

namespace LlmGateway.Agents.Sessions;

/// <summary>
/// The newest part of a session, as input for the model: messages in the order of the log, each with its answer. The
/// key of a <c>message_end</c> names the message that the turn answered.
/// </summary>
internal sealed class Conversation
{
    private readonly List<(string Key, string Content)> _messages = [];
    private readonly Dictionary<string, string> _answers = [];
    private readonly StringBuilder _answer = new();

    /// <summary>Names of the tools of the newest message's sender; null in messages of an earlier version.</summary>
    private string[]? _tools;

    /// <summary>The conversation as input for the model.</summary>
    public AgentInput Input => new(Messages, _tools, Bytes);

    /// <summary>
    /// Reads the conversation up to and including a message, at most <c>Runs:MaxReadBytes</c> besides the message.
    /// </summary>
    public static async Task<Conversation> ReadAsync(
        RunName name,
        RunEntry message,
        RunLog runs,
        CancellationToken cancellationToken
    )
    {
        var conversation = new Conversation();
        await runs.ReadConversationAsync(name, message, conversation.Take, cancellationToken);
        return conversation;
    }

    private void Take(RunEntry e)
    {
        if (e.OfLog && e.Type == RunLog.Announcement)
            return;
        using var data = JsonDocument.Parse(e.Data);
        if (e.OfLog)
        {
            _messages.Add((e.Key!, data.RootElement.GetProperty("content").GetString()!));
            _tools = data.RootElement.TryGetProperty("tools", out var tools) ? tools.Deserialize<string[]>() : null;
        }
        else if (e.Type == SessionEvents.Content)
            _answer.Append(data.RootElement.GetProperty("data").GetString());
        else if (e.Key is { } key)
        {
            _answers.TryAdd(key, _answer.ToString());
            _answer.Clear();
        }
    }

    /// <summary>
    /// Messages and answers, alternating. The first is a user's message, even if earlier ones are omitted; the last has
    /// no answer yet.
    /// </summary>
    private IEnumerable<ChatMessage> Messages
    {
        get
        {
            foreach (var (key, content) in _messages)
            {
                yield return new ChatMessage(ChatRole.User, content);
                if (_answers.GetValueOrDefault(key) is { Length: > 0 } answer)
                    yield return new ChatMessage(ChatRole.Assistant, answer);
            }
        }
    }

    private long Bytes =>
        sizeof(char) * (_messages.Sum(m => (long)m.Content.Length) + _answers.Values.Sum(a => (long)a.Length));
}
