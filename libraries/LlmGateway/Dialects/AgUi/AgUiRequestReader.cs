using System.Text.Json;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects.AgUi;

/// <summary>
/// Reads the input of an AG-UI run: <c>forwardedProps</c> has the options of OpenAI's Chat Completions API, and the
/// context precedes the messages. Refuses <c>state</c>, and <c>resume</c> after an interrupt, which only an agent with
/// a state of its own can answer.
/// </summary>
internal static class AgUiRequestReader
{
    /// <summary>Reads the client's names of the thread and of the run.</summary>
    /// <exception cref="InvalidChatException">A name is missing or invalid.</exception>
    public static (string Thread, string Run) NamesOf(JsonElement body) =>
        (
            ChatBody.RequiredName(body, "threadId", "", "is required."),
            ChatBody.RequiredName(body, "runId", "", "is required.")
        );

    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static (ChatCall Call, RunPrompt Prompt) Read(JsonElement body, ChatProviders providers)
    {
        foreach (var name in (ReadOnlySpan<string>)["state", "resume"])
            if (ChatBody.Get(body, name) is { } value && !ChatBody.IsDefault(name, value))
                throw new InvalidChatException(
                    name,
                    $"{name} is not supported: the runs of this server have no state and no interrupts.",
                    code: InvalidChatException.UnsupportedParameter
                );

        var asked = ChatBody.Object(ChatBody.Get(body, "forwardedProps") ?? JsonElement.Parse("{}"), "forwardedProps");
        asked.CheckMembers(ChatOptionsReader.Members);
        var target = providers.Resolve(ChatBody.Name(asked, "provider"), ChatBody.Name(asked, "model"));

        var list =
            ChatBody.List(body, "messages", ChatBody.MaxMessages, "must be an array.")
            ?? throw new InvalidChatException("messages", "is required.");
        var messages = Messages(list);
        ToolCalls.LeaveOutOpen(messages);
        if (messages.Count == 0)
            throw new InvalidChatException("messages", "must hold at least one message.");
        UntranslatableContent.Refuse(messages);

        var options = ChatOptionsReader.Read(asked, target, isNative: false);
        if (ChatBody.List(body, "tools", ChatBody.MaxTools, "must be an array.") is { } tools)
            options.Tools =
            [
                .. options.Tools ?? [],
                .. tools
                    .EnumerateArray()
                    .Select((t, i) => ChatOptionsReader.Function(ChatBody.Object(t, $"tools[{i}]."), $"tools[{i}].")),
            ];

        // The context is not a message, because another device of the user gets the messages but has a context of its
        // own.
        var prompt = new RunPrompt("ag-ui", messages, Instructions: Context(body));
        var call = new ChatCall(target, prompt.Question(messages), options) { Bytes = ChatBody.MemoryOf(body) };
        return (call, prompt);
    }

    /// <summary>Reads the messages. Refuses a result whose call no earlier message has, since no model takes
    /// it.</summary>
    private static List<ChatMessage> Messages(JsonElement list)
    {
        var messages = new List<ChatMessage>();
        var calls = new HashSet<string>();
        var thoughts = new List<AIContent>();
        foreach (var (index, json) in list.EnumerateArray().Index())
        {
            if (Message(json, $"messages[{index}].") is not { } message)
                continue;

            // A reasoning is a message of its own, before the answer that it belongs to.
            if (message.Contents is [TextReasoningContent thought])
            {
                thoughts.Add(thought);
                continue;
            }

            if (message.Role == ChatRole.Assistant)
                message.Contents = [.. thoughts, .. message.Contents];
            thoughts.Clear();

            foreach (var content in message.Contents)
                if (content is FunctionCallContent call)
                    calls.Add(call.CallId);
                else if (content is FunctionResultContent result && !calls.Contains(result.CallId))
                    throw new InvalidChatException(
                        $"messages[{index}].toolCallId",
                        $"no message before it has the call '{result.CallId}'."
                    );
            messages.Add(message);
        }

        return messages;
    }

    private static string Context(JsonElement body) =>
        ChatBody.List(body, "context", ChatBody.MaxMessages, "must be an array.") is { } items
            ? string.Join("\n\n", items.EnumerateArray().Select((c, i) => Entry(c, $"context[{i}].")))
            : "";

    private static string Entry(JsonElement json, string path)
    {
        var description = ChatBody.RequiredText(ChatBody.Object(json, path), "description", path);
        return $"{description}: {ChatBody.RequiredText(json, "value", path)}";
    }

    /// <summary>Reads a message, or returns null if only the client uses it.</summary>
    private static ChatMessage? Message(JsonElement json, string path)
    {
        var contents = new List<AIContent>();
        switch (ChatBody.Name(ChatBody.Object(json, path), "role", path))
        {
            case "system" or "developer":
                return Of(ChatRole.System, Contents(json, path));
            case "user":
                return Of(ChatRole.User, Contents(json, path));
            case "assistant":
                // Some assistant messages of clients have neither text nor calls.
                contents = Contents(json, path, isRequired: false);
                if (ChatBody.List(json, "toolCalls", ChatBody.MaxMessages, "must be an array.", path) is { } calls)
                    contents.AddRange(
                        calls.EnumerateArray().Select((c, i) => ChatMessageReader.Call(c, $"{path}toolCalls[{i}]."))
                    );
                return Of(ChatRole.Assistant, contents);

            case "tool":
                var id = ChatBody.RequiredName(json, "toolCallId", path, "is required.");
                var error = ChatBody.Text(json, "error", path);
                contents = error is null ? Contents(json, path) : [new TextContent(error)];
                return Of(
                    ChatRole.Tool,
                    [UntranslatableContent.ToolResult(id, contents, path + "content", error is not null)]
                );
            case "reasoning" when ChatBody.Text(json, "encryptedValue", path) is { } signature:
                var thought = OwnReasoning.Unpack(ChatBody.Text(json, "content", path), signature);
                return thought is null ? null : Of(ChatRole.Assistant, [thought]);
            case "reasoning" or "activity":
                return null;
            case var other:
                throw new InvalidChatException(
                    path + "role",
                    $"'{other}' must be one of developer, system, user, assistant, tool, reasoning, activity."
                );
        }

        ChatMessage Of(ChatRole role, List<AIContent> all) =>
            new(role, all) { MessageId = ChatBody.Name(json, "id", path) };
    }

    private static List<AIContent> Contents(JsonElement json, string path, bool isRequired = true) =>
        ChatBody.Get(json, "content") is null && !isRequired
            ? []
            : ChatMessageReader.Contents(
                ChatBody.Get(json, "content") ?? default,
                path + "content",
                (part, i) => Part(part, $"{path}content[{i}].")
            );

    private static AIContent Part(JsonElement json, string path)
    {
        switch (ChatBody.RequiredName(ChatBody.Object(json, path), "type", path, "is required."))
        {
            case "text":
                return new TextContent(ChatBody.RequiredText(json, "text", path));
            case "image" when ChatBody.Get(json, "source") is { ValueKind: JsonValueKind.Object } source:
                var value = ChatBody.Text(source, "value", path + "source.") ?? "";
                return ChatBody.Name(source, "type", path + "source.") switch
                {
                    "url" => ChatMessageReader.Image(value, path + "source.value"),
                    "data" => ChatMessageReader.Image(
                        $"data:{ChatBody.Name(source, "mimeType", path + "source.")};base64,{value}",
                        path + "source"
                    ),
                    var other => new UntranslatableContent(path + "source.type", $"{other}"),
                };
            case var kind:
                return new UntranslatableContent(path + "type", kind);
        }
    }
}
