using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;

namespace LlmGateway.Dialects.UiMessages;

/// <summary>
/// Reads the body of a request of AI SDK's transport. The members that a page adds (the transport's option
/// <c>body</c>) are those of OpenAI's Chat Completions API: <c>model</c>, <c>max_tokens</c>, <c>tools</c>, …
/// <code>{"id":"chat","trigger":"submit-message","messages":[{"id":"m1","role":"user","parts":[…]}]}</code>
/// </summary>
internal static class UiMessagesRequestReader
{
    private const string Gateway = "aspire-sse",
        Signature = "signature";

    private static readonly RequestTable Table = RequestTable.ChatCompletions with
    {
        Roles = ["system", "user", "assistant"],
        Parts = new()
        {
            ["text"] = RequestParts.Text,
            ["file"] = part =>
                part.RequiredName("mediaType").StartsWith("image/", StringComparison.Ordinal)
                    ? RequestParts.Image(part.Required("url"))
                    : RequestParts.Untranslatable(part, "mediaType"),
            ["step-start"] = RequestParts.Ignored,
            ["reasoning"] = part => RequestParts.Reasoning(part, "text", SignatureOf(part)),
            ["reasoning-file"] = RequestParts.Ignored,
            ["source-url"] = RequestParts.Ignored,
            ["source-document"] = RequestParts.Ignored,
        },
        Members = [.. RequestTable.ChatCompletions.Members, "id", "trigger", "messageId"],
        // A page may keep data of its own in its messages.
        Inner = [],
    };

    /// <returns>The chat's id, the call, and the prompt to store. <see cref="RunPrompt.Asked"/> is the client's message
    /// that the answer continues, or null.</returns>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static (string Chat, ChatCall Call, RunPrompt Prompt) Read(RequestValue body, ChatProviders providers)
    {
        var chat = body.RequiredName("id");
        // Both triggers send all messages to answer.
        if (body.Name("trigger") is not (null or "submit-message" or "regenerate-message"))
            throw new InvalidChatException("trigger", "must be submit-message or regenerate-message.");

        var target = RequestReader.Target(body, providers, needsModel: false);
        var messages = body.Required("messages").Items(ChatBody.MaxMessages).SelectMany(Messages).ToList();
        if (messages.Count == 0)
            throw new InvalidChatException("messages", "must hold at least one message with content.");

        // No model takes them, and the page sends back all that an answer has shown.
        foreach (var message in messages.Where(message => message.Role == ChatRole.Assistant))
            message.Contents =
            [
                .. message.Contents.Select(content =>
                    content is DataContent or UriContent ? new TextContent(UnshownContent.Of(content)) : content
                ),
            ];
        var call = RequestReader.Call(body, target, Table, messages);
        return (chat, call, new RunPrompt("ai-sdk", messages, Asked: ContinuedOf(body)));
    }

    /// <summary>Reads a request for an application's run.</summary>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static RunRequest OfRun(RequestValue body)
    {
        ContinuedOf(body);
        var messages = body.Required("messages").Items(ChatBody.MaxMessages);
        // A message of the assistant may have nothing but a call that the page has not answered.
        var last = messages.FindLastIndex(message => RequestReader.RoleOf(message, Table) == ChatRole.Assistant);
        return RunRequest.Of(
            body,
            Table,
            [.. messages.SelectMany(Messages)],
            [.. messages.Skip(Math.Max(last, 0)).SelectMany(Messages)],
            id: "id"
        );
    }

    /// <summary>Returns the client's message that an answer continues: the last message of the body, or null if that
    /// message is not the assistant's.</summary>
    /// <exception cref="InvalidChatException">The body has no messages, or the last one is malformed.</exception>
    public static JsonObject? ContinuedOf(RequestValue body)
    {
        var list = body.Required("messages");
        if (list.Items(int.MaxValue) is not [.., var last])
            throw list.Invalid("must hold at least one message.");

        last.AsObject().Name("id");
        return last.RequiredName("role") == "assistant" ? JsonObject.Create(last.Json) : null;
    }

    /// <summary>Reads a message. An answer of several steps becomes two messages for each step: one of the model, and
    /// one of its tools.</summary>
    private static List<ChatMessage> Messages(RequestValue json)
    {
        var role = RequestReader.RoleOf(json.AsObject(), Table)!.Value;
        var id = json.Name("id");
        var steps = new List<ChatMessage>();
        var (said, results) = (new List<AIContent>(), new List<AIContent>());

        foreach (var part in json.Required("parts").Items(ChatBody.MaxMessages))
        {
            var type = part.AsObject().RequiredName("type");
            // A text after a text begins another message of the model.
            var isApart =
                type == "text"
                && role == ChatRole.Assistant
                && said.FindLast(content => content is not TextReasoningContent) is TextContent;
            if (isApart || (results.Count > 0 && !IsTool(type)))
                EndStep();

            if (IsTool(type))
                ReadTool(part, type, said, results);
            // Only the page uses its data.
            else if (
                !type.StartsWith("data-", StringComparison.Ordinal) && RequestReader.Part(part, Table) is { } content
            )
                said.Add(content);
        }

        EndStep();
        return steps;

        void EndStep()
        {
            if (said.Count > 0)
                steps.Add(new ChatMessage(role, [.. said]) { MessageId = id });
            if (results.Count > 0)
                steps.Add(new ChatMessage(ChatRole.Tool, [.. results]));
            said.Clear();
            results.Clear();
        }
    }

    public static bool IsTool(string type) =>
        type == "dynamic-tool" || type.StartsWith("tool-", StringComparison.Ordinal);

    /// <summary>Reads a call and its result. A call without a result is left out, because no model takes it.</summary>
    private static void ReadTool(RequestValue part, string type, List<AIContent> said, List<AIContent> results)
    {
        var id = part.RequiredName("toolCallId");
        var name = type == "dynamic-tool" ? part.RequiredName("toolName") : type["tool-".Length..];
        var state = part.Name("state");
        var result = state switch
        {
            "output-available" => TextOf(part.Get("output")) ?? "",
            "output-error" => part.Text("errorText") ?? "",
            "output-denied" => DenialOf(part.Get("approval")),
            "approval-responded" when part.Get("approval") is { IsObject: true } answer && !answer.Is("approved") =>
                DenialOf(answer),
            _ => null,
        };
        if (result is null)
            return;

        said.Add(ToolCalls.Parse(id, name, TextOf(part.Get("input") ?? part.Get("rawInput")) ?? "{}"));
        results.Add(
            UntranslatableContent.ToolResult(id, [new TextContent(result)], part.Path, state is not "output-available")
        );
    }

    /// <summary>Returns what the model is told of a call that the user has denied, with the user's reason.</summary>
    private static string DenialOf(RequestValue? approval)
    {
        var reason = approval is { IsObject: true } answer ? answer.Text("reason") : null;
        return string.IsNullOrEmpty(reason)
            ? "The user has denied this call."
            : $"The user has denied this call: {reason}";
    }

    /// <summary>Returns the metadata with which a page sends reasoning back, or null without a signature.</summary>
    public static JsonObject? MetadataOf(string? signature) =>
        signature is null ? null : VendorFrame.Object((Gateway, VendorFrame.Object((Signature, signature))));

    private static string? SignatureOf(RequestValue part) =>
        part.Get("providerMetadata") is { IsObject: true } metadata && metadata.Get(Gateway) is { IsObject: true } own
            ? own.Text(Signature)
            : null;

    private static string? TextOf(RequestValue? value) =>
        value is { IsText: true } text ? text.AsText() : value?.Json.GetRawText();
}
