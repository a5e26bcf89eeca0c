using System.Text.Json;
using AspireSse;
using Microsoft.Extensions.AI;

namespace Chat;

/// <summary>A chat of a user.</summary>
internal sealed record ChatName(string User, Guid Chat)
{
    /// <summary>The chat's answers, each a run.</summary>
    public EventTopic Answers => $"chats.{User}.{Chat}.*";

    public EventTopic Answer(string id) => $"chats.{User}.{Chat}.{id}";
}

/// <summary>A message as a client sees it.</summary>
internal sealed record Said(string Role, string Text);

/// <summary>Chats whose messages are the events of their runs: the question, and the updates of the answer.</summary>
internal sealed class Chats(IRuns runs, IEventLog log, IChatClient model)
{
    private const string Asked = "asked";

    /// <summary>Starts the answer to a question, and cancels the answer that runs. An answer of this id is not started
    /// again.</summary>
    public async Task<EventTopic> AskAsync(ChatName name, Question question, string? id = null)
    {
        id ??= Guid.CreateVersion7().ToString("N");
        if (id.Any(character => !char.IsAsciiLetterOrDigit(character) && character is not ('-' or '_')))
            throw new BadHttpRequestException("An id has letters, digits, - and _ only.");

        var events = await EventsAsync(name);
        var topic = name.Answer(id);
        if (events.LastOrDefault() is { } last && last.Topic != topic.ToString())
            await runs.CancelAsync((EventTopic)last.Topic);

        List<ChatMessage> messages = [.. MessagesOf(events), question.Message];
        await runs.StartAsync(
            topic,
            async (run, stop) =>
            {
                await run.AppendAsync(Asked, question.Message);
                await run.AppendAsync(
                    model.GetStreamingResponseAsync(messages, new ChatOptions { Tools = [.. question.Tools] }, stop)
                );
            }
        );
        return topic;
    }

    /// <summary>Returns the messages of a chat, also those of an answer that has not ended.</summary>
    public async Task<IEnumerable<Said>> ReadAsync(ChatName name) =>
        MessagesOf(await EventsAsync(name))
            .Where(message => message.Text.Length > 0)
            .Select(message => new Said(message.Role.Value, message.Text));

    /// <summary>Returns the answer that runs, or null if none does.</summary>
    public async Task<EventTopic?> RunningAsync(ChatName name) =>
        (await EventsAsync(name)).LastOrDefault() is { Type: not ("end" or "error") } last
            ? (EventTopic)last.Topic
            : (EventTopic?)null;

    public async Task<bool> CancelAsync(ChatName name) =>
        await RunningAsync(name) is { } answer && await runs.CancelAsync(answer);

    private async Task<List<EventRecord>> EventsAsync(ChatName name)
    {
        var events = new List<EventRecord>();
        for (var read = new EventRead { Filter = new EventFilter([name.Answers]) }; ; )
        {
            var page = await log.ReadAsync(read);
            events.AddRange(page.Events);
            if (page.Next == page.Head)
                return events;
            read = read with { After = page.Next };
        }
    }

    private List<ChatMessage> MessagesOf(IEnumerable<EventRecord> events)
    {
        var messages = new List<ChatMessage>();
        foreach (var answer in events.GroupBy(record => record.Topic))
        {
            messages.AddRange(answer.Where(e => e.Type == Asked).Select(e => Read<ChatMessage>(e, log.Json)));
            messages.AddMessages(
                answer
                    .Where(e => e.Type == "update")
                    .Select(e => Read<ChatResponseUpdate>(e, AIJsonUtilities.DefaultOptions))
            );
        }

        return messages;
    }

    private static T Read<T>(EventRecord record, JsonSerializerOptions json) =>
        JsonSerializer.Deserialize<T>(record.Data.Span, json)!;
}
