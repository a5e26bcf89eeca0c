namespace LlmGateway.Dialects.AgUi;

/// <summary>
/// Reads the input of an AG-UI run: <c>forwardedProps</c> has the options of OpenAI's Chat Completions API, and the
/// context precedes the messages. Refuses <c>state</c>, and <c>resume</c> after an interrupt, which only an agent with
/// a state of its own can answer.
/// </summary>
internal static class AgUiRequestReader
{
    public static RequestTable Table { get; } =
        RequestTable.ChatCompletions with
        {
            Id = "runId",
            CheckRun = body => NamesOf(body),
            Roles = ["developer", "system", "user", "assistant", "tool", "reasoning", "activity"],
            Reasoning = message => RequestParts.Reasoning(message, "content", message.Text("encryptedValue")),
            Parts = new()
            {
                ["text"] = RequestParts.Text,
                ["image"] = part => RequestParts.Source(part, "value", "data", "mimeType", "value"),
            },
            Calls = "toolCalls",
            CallId = "toolCallId",
            IsOfPage = true,
            HasToolTypes = false,
            Tool = null,
            Names = new(".tools: name description parameters metadata"),
        };

    /// <summary>Reads the client's names of the thread and of the run.</summary>
    /// <exception cref="InvalidChatException">A name is missing or invalid.</exception>
    public static (string Thread, string Run) NamesOf(RequestValue body) =>
        (body.RequiredName("threadId"), body.RequiredName("runId"));

    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static (ChatCall Call, RunPrompt Prompt) Read(RequestValue body, ChatProviders providers)
    {
        foreach (var name in (ReadOnlySpan<string>)["state", "resume"])
            if (body.Get(name) is { } value && !OptionsReader.IsDefault(value, RequestTable.Empty))
                throw new InvalidChatException(
                    name,
                    $"{name} is not supported: the runs of this server have no state and no interrupts.",
                    code: InvalidChatException.UnsupportedParameter
                );

        var asked = (body.Get("forwardedProps")?.AsObject() ?? new RequestValue(JsonElement.Parse("{}"))) with
        {
            Path = "",
        };
        var target = RequestReader.Target(asked, providers, needsModel: false);
        var messages = RequestReader.Messages(body, Table, calls: []);
        ToolCalls.LeaveOutOpen(messages);
        if (messages.Count == 0)
            throw new InvalidChatException("messages", "must hold at least one message.");

        Table.Names.CheckObjects(body.Get("tools"), ".tools");
        var tools = OptionsReader.Tools(body, Table);
        var options = OptionsReader.Read(asked, target, RequestTable.ChatCompletions, tools);

        // The context is not a message, because another device of the user gets the messages but has a context of its
        // own.
        var context = body.Items("context", ChatBody.MaxMessages).Select(Entry);
        var prompt = new RunPrompt("ag-ui", messages, Instructions: string.Join("\n\n", context));
        return (RequestReader.Call(body, target, Table, prompt.Question(messages), options), prompt);
    }

    private static string Entry(RequestValue entry) =>
        $"{entry.AsObject().RequiredText("description")}: {entry.RequiredText("value")}";
}
