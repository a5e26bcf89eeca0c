using LlmGateway;

namespace AspireSse;

/// <summary>The request of a client for an answer, checked and read in the client's protocol.</summary>
/// <remarks>Needed in an endpoint that starts a run with the messages of its client.</remarks>
public sealed class RunRequest
{
    private const string ToolsPassedOn = "an application's run has no {0}";

    private RunRequest(JsonElement body) => Body = body;

    /// <summary>The whole request, for the members that only the application can read, such as <c>model</c> or
    /// AG-UI's <c>state</c>.</summary>
    public JsonElement Body { get; }

    /// <summary>The client's own name of AI SDK's chat or of AG-UI's run. Null in the other protocols, and if AI SDK's
    /// client sends none.</summary>
    public string? Id { get; private init; }

    /// <summary>All messages of the request, after the client's instructions if it sends any. Calls without a result
    /// are left out; a result may belong to a call that only the application knows.</summary>
    public IReadOnlyList<ChatMessage> Messages { get; private init; } = [];

    /// <summary>The messages after the model's last one, which an application that keeps the conversation does not have
    /// yet. Empty if the model's is the last.</summary>
    public IReadOnlyList<ChatMessage> NewMessages { get; private init; } = [];

    /// <summary>The tools that the client runs, as declarations.</summary>
    public IReadOnlyList<AITool> Tools { get; private init; } = [];

    /// <summary>Reads a request.</summary>
    /// <param name="body">The request.</param>
    /// <param name="table">The names of its API.</param>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    internal static RunRequest Of(RequestValue body, RequestTable table)
    {
        body = body with { HasDots = table.HasDots };
        table.CheckRun(body);
        foreach (var flag in (ReadOnlySpan<string>)["stream", "background"])
            body.Flag(flag);

        var messages = RequestReader.Messages(body, table, calls: null);
        if (table.Instructions is { } instructions && body.Get(instructions) is { } given)
            messages.Insert(0, new ChatMessage(ChatRole.System, RequestReader.Contents(given, table)));

        messages = [.. messages.SelectMany(WithResultsApart)];
        List<ChatMessage> recent = [.. messages];
        recent.RemoveRange(0, recent.FindLastIndex(message => message.Role == ChatRole.Assistant) + 1);
        ToolCalls.LeaveOutOpen(messages);
        if (messages.Count == 0)
            throw new InvalidChatException(table.Messages, "must hold at least one message with content.");

        UntranslatableContent.Refuse(messages);
        var tools = OptionsReader.Tools(body, table with { ToolsPassedOn = ToolsPassedOn });
        return new RunRequest(body.Json)
        {
            Id = table.Id is { } id ? body.Name(id) : null,
            Messages = messages,
            NewMessages = recent,
            Tools = [.. tools],
        };
    }

    /// <summary>Puts the results of a user's message, as Anthropic's clients send them, into a message of the tools,
    /// where chat clients look for them.</summary>
    private static IEnumerable<ChatMessage> WithResultsApart(ChatMessage message)
    {
        var results = message.Contents.Where(content => content is FunctionResultContent).ToList();
        if (message.Role == ChatRole.Tool || results.Count == 0)
            return [message];

        var rest = message.Clone();
        rest.Contents = [.. message.Contents.Except(results)];
        var apart = new ChatMessage(ChatRole.Tool, results);
        return rest.Contents.Count > 0 ? [apart, rest] : [apart];
    }
}
