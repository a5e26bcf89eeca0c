using LlmGateway.Providers.Anthropic;

namespace LlmGateway.Requests;

/// <summary>Reads the model and the messages of a request of any API, by the API's table.</summary>
internal static class RequestReader
{
    private const string NoList = "must be an array.",
        TextOrItems = "must be a string or an array of items";

    private const string OfAnswer = "is an image, which no model takes in a message of the assistant.";

    /// <summary>Finds the model. A <c>provider</c> that is an object is a provider's own member, such as OpenRouter's
    /// <c>{"order":["x"]}</c>.</summary>
    /// <exception cref="InvalidChatException">There is no such model.</exception>
    public static ChatTarget Target(RequestValue body, ChatProviders providers, bool needsModel = true) =>
        providers.Resolve(
            body.Get("provider") is { IsObject: true } ? null : body.Name("provider"),
            needsModel ? body.RequiredName("model") : body.Name("model")
        );

    /// <summary>Reads the options, and returns the call, after a check of what its provider refuses although the
    /// client's own would take it.</summary>
    /// <param name="body">The request.</param>
    /// <param name="target">The model.</param>
    /// <param name="table">The names of the request's API.</param>
    /// <param name="messages">The messages for the model.</param>
    /// <param name="options">The options if they are not among the body's members, else null.</param>
    /// <param name="past">Bytes of memory of the messages that are not in the body.</param>
    /// <exception cref="InvalidChatException">The provider refuses it. The exception names the client's
    /// member.</exception>
    public static ChatCall Call(
        RequestValue body,
        ChatTarget target,
        RequestTable table,
        IList<ChatMessage> messages,
        CallOptions? options = null,
        long past = 0
    )
    {
        options ??= OptionsReader.Read(body, target, table);
        if (options.NativeBody is null)
        {
            UntranslatableContent.Refuse(messages);
            if (messages.All(message => message.Contents.Count == 0))
                throw new InvalidChatException(table.Messages, "must hold at least one message with content.");
            if (target.Provider == "anthropic")
                AnthropicRequest.Check(messages, options, table.Messages, table.Stop);
        }

        return new ChatCall(target, messages, options) { Bytes = past + ChatBody.MemoryOf(body.Json) };
    }

    /// <summary>Reads the messages. Refuses a result whose call no earlier message has, since no other vendor's model
    /// takes it.</summary>
    /// <param name="body">The request.</param>
    /// <param name="table">The names of its API.</param>
    /// <param name="calls">Ids of the calls before the request, or null if a result may be of any call: an application
    /// may have it, or a provider with the same API.</param>
    /// <param name="resolve">Returns the item that another one refers to, or the item itself.</param>
    public static List<ChatMessage> Messages(
        RequestValue body,
        RequestTable table,
        HashSet<string>? calls,
        Func<RequestValue, RequestValue>? resolve = null
    )
    {
        var list = body.Required(table.Messages);
        if (table.HasItems && list.IsText)
            return [new ChatMessage(ChatRole.User, list.AsText())];

        var messages = new List<ChatMessage>();
        var items = list.Items(ChatBody.MaxMessages, table.HasItems ? TextOrItems : NoList);
        foreach (var item in items)
        foreach (var message in MessagesOf(resolve?.Invoke(item) ?? item, table))
        {
            foreach (var content in calls is null ? [] : message.Contents)
                CheckCall(content, calls!, item.PathOf(table.CallId));
            Add(messages, message, table);
        }

        return items.Count > 0 ? messages : throw list.Invalid("must hold at least one message.");
    }

    private static IEnumerable<ChatMessage> MessagesOf(RequestValue item, RequestTable table) =>
        table.Read is { } read ? read(item, table)
        : Message(item, table) is { } message ? [message]
        : [];

    /// <summary>Adds a message, or its contents to the last one: reasoning may be an item of its own before its answer,
    /// and other APIs have a text and all its calls in one message. A text after a text is another message.</summary>
    private static void Add(List<ChatMessage> messages, ChatMessage message, RequestTable table)
    {
        var last = messages.LastOrDefault();
        var isPart =
            message.Role == ChatRole.Assistant
            && last?.Role == ChatRole.Assistant
            && (
                last.Contents.All(content => content is TextReasoningContent)
                || (table.HasItems && !(message.Contents.Any(IsText) && last.Contents.All(IsText)))
            );
        if (!isPart)
        {
            messages.Add(message);
            return;
        }

        last!.MessageId ??= message.MessageId;
        foreach (var content in message.Contents)
            last.Contents.Add(content);
    }

    /// <summary>Remembers a call, and refuses a result without one.</summary>
    /// <param name="content">The call, the result, or another content.</param>
    /// <param name="calls">Ids of the calls so far.</param>
    /// <param name="path">Path of the result's id.</param>
    public static void CheckCall(AIContent content, HashSet<string> calls, string path)
    {
        if (content is FunctionCallContent call)
            calls.Add(call.CallId);
        else if (content is FunctionResultContent result && !calls.Contains(result.CallId))
            throw new InvalidChatException(path, $"no message before it has the call '{result.CallId}'.");
    }

    /// <summary>Reads a message, or returns null if only the client uses it.</summary>
    public static ChatMessage? Message(RequestValue json, RequestTable table)
    {
        if (RoleOf(json.AsObject(), table) is not { } role)
            return table.Reasoning(json) is { } thought ? new ChatMessage(ChatRole.Assistant, [thought]) : null;

        var content = json.Get("content");
        var contents = role == ChatRole.Tool ? [Result(json, table)] : Contents(content, table, role);
        if (role == ChatRole.Assistant)
            contents.AddRange(OfAssistant(json, table, isSilent: contents.Count == 0));
        if (contents.Count == 0 && !(table.IsOfPage && role == ChatRole.Assistant))
        {
            if (content is not { } given)
                throw json.Missing("content");
            if (given.Json.GetArrayLength() == 0)
                contents.Add(new UntranslatableContent(given.Path, "message", "must hold at least one part."));
        }

        return new ChatMessage(role, contents) { MessageId = table.IsOfPage ? json.Name("id") : null };
    }

    /// <summary>Returns the role of a message, or null if only the client uses the message.</summary>
    public static ChatRole? RoleOf(RequestValue message, RequestTable table)
    {
        var name = message.RequiredName("role");
        if (!table.Roles.Contains(name))
            throw new InvalidChatException(
                message.PathOf("role"),
                $"'{name}' must be one of {string.Join(", ", table.Roles)}."
            );

        return name switch
        {
            "developer" => ChatRole.System,
            "function" => ChatRole.Tool,
            "reasoning" or "activity" => null,
            _ => new ChatRole(name),
        };
    }

    /// <summary>Reads a text, or a list of parts.</summary>
    /// <param name="content">The text or the list, or null for neither.</param>
    /// <param name="table">The names of the API.</param>
    /// <param name="role">The role of the message, if its parts are of one.</param>
    public static List<AIContent> Contents(RequestValue? content, RequestTable table, ChatRole? role = null) =>
        content is not { } given ? []
        : given.IsText ? [new TextContent(given.AsText())]
        :
        [
            .. given
                .Items(ChatBody.MaxMessages, "must be a string or an array of parts.")
                .Select(part =>
                    Part(part, table) is var read && role == ChatRole.Assistant && read is DataContent or UriContent
                        ? new UntranslatableContent(part.PathOf("type"), "image", OfAnswer)
                        : read
                )
                .OfType<AIContent>(),
        ];

    /// <summary>Reads a part of a message, or returns null if no model takes it.</summary>
    public static AIContent? Part(RequestValue part, RequestTable table) =>
        table.Parts.TryGetValue(part.AsObject().RequiredName("type"), out var read)
            ? read(part)
            : RequestParts.Untranslatable(part);

    private static bool IsText(AIContent content) => content is TextContent or TextReasoningContent;

    private static AIContent Result(RequestValue json, RequestTable table)
    {
        // The old role "function" has a name only.
        var id = json.Name(table.CallId) ?? json.Name("name") ?? throw json.Missing(table.CallId);
        var error = table.IsOfPage ? json.Text("error") : null;
        var parts = error is null ? Contents(json.Required("content"), table) : [new TextContent(error)];
        return UntranslatableContent.ToolResult(id, parts, json.PathOf("content"), error is not null);
    }

    private static IEnumerable<AIContent> OfAssistant(RequestValue json, RequestTable table, bool isSilent)
    {
        if (json.Text("refusal") is { Length: > 0 } refusal)
            yield return RefusalText.Of(refusal);

        var calls = json.Items(table.Calls, ChatBody.MaxMessages);
        foreach (var call in calls)
            yield return RequestParts.Call(call.AsObject(), "id", call.Required("function").AsObject());

        if (calls.Count > 0)
            yield break;
        // Answers to "functions" and "audio" have such a member in place of the content.
        if (json.Get("function_call") is not null)
            yield return new UntranslatableContent(json.PathOf("function_call"), "function_call");
        else if (isSilent && json.Get("audio") is not null)
            yield return new UntranslatableContent(json.PathOf("audio"), "audio");
    }
}
