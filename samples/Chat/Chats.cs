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

/// <summary>A client's question.</summary>
/// <param name="Messages">Messages that the chat does not have yet.</param>
/// <param name="Shown">The body whose last message a page's answer continues, or null for other clients.</param>
internal sealed record Question(IReadOnlyList<ChatMessage> Messages, JsonElement? Shown);

/// <summary>Chats whose messages are the events of their runs: the question, and the updates of the answer.</summary>
internal sealed class Chats(IRuns runs, IEventLog log, IChatClient model)
{
    private const string Asked = "asked";

    /// <summary>Starts the answer to the new messages of a request, and cancels the answer that runs. An answer of this
    /// id is not started again.</summary>
    public async Task<EventTopic> AskAsync(ChatName name, RunRequest request, string? id = null, bool isOfPage = false)
    {
        id ??= Guid.CreateVersion7().ToString("N");
        if (id.Any(character => !char.IsAsciiLetterOrDigit(character) && character is not ('-' or '_')))
            throw new BadHttpRequestException("An id has letters, digits, - and _ only.");

        var events = await EventsAsync(name);
        var topic = name.Answer(id);
        if (events.Exists(record => record.Topic == topic.ToString()))
            return topic;

        if (request.NewMessages.Count == 0)
            throw new BadHttpRequestException("The last message is the model's: there is nothing to answer.");
        if (events.LastOrDefault() is { } last)
            await runs.CancelAsync((EventTopic)last.Topic);

        var question = new Question(request.NewMessages, isOfPage ? LastOf(request.Body) : null);
        List<ChatMessage> messages = [.. MessagesOf(events), .. question.Messages];
        // The response begins once the chat has the question, so that a page that returns at once finds its answer.
        var asked = new TaskCompletionSource();
        var isNew = await runs.StartAsync(
            topic,
            async (run, stop) =>
            {
                try
                {
                    await run.AppendAsync(Asked, question);
                }
                finally
                {
                    asked.SetResult();
                }

                await run.AppendAsync(
                    model.GetStreamingResponseAsync(messages, new ChatOptions { Tools = [.. request.Tools] }, stop)
                );
            }
        );
        if (isNew)
            await asked.Task;
        return topic;
    }

    /// <summary>Returns the messages of a chat, also those of an answer that has not ended.</summary>
    public async Task<IEnumerable<Said>> ReadAsync(ChatName name) =>
        MessagesOf(await EventsAsync(name))
            .Where(message => message.Text.Length > 0)
            .Select(message => new Said(message.Role.Value, message.Text));

    /// <summary>Returns the answer that runs and its question, or null if none runs.</summary>
    public async Task<(EventTopic Answer, Question Question)?> RunningAsync(ChatName name)
    {
        var events = await EventsAsync(name);
        if (events.LastOrDefault() is not { Type: not ("end" or "error") } last)
            return null;

        var asked = events.First(record => record.Topic == last.Topic && record.Type == Asked);
        return ((EventTopic)last.Topic, Read<Question>(asked, log.Json));
    }

    public async Task<bool> CancelAsync(ChatName name) =>
        await RunningAsync(name) is var (answer, _) && await runs.CancelAsync(answer);

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
            messages.AddRange(answer.Where(e => e.Type == Asked).SelectMany(e => Read<Question>(e, log.Json).Messages));
            messages.AddMessages(
                answer
                    .Where(e => e.Type == "update")
                    .Select(e => Read<ChatResponseUpdate>(e, AIJsonUtilities.DefaultOptions))
            );
        }

        return messages;
    }

    /// <summary>Returns the part of a page's request that its answer may continue: the last message.</summary>
    private static JsonElement LastOf(JsonElement body) =>
        JsonSerializer.SerializeToElement(new { messages = body.GetProperty("messages").EnumerateArray().TakeLast(1) });

    private static T Read<T>(EventRecord record, JsonSerializerOptions json) =>
        JsonSerializer.Deserialize<T>(record.Data.Span, json)!;
}
