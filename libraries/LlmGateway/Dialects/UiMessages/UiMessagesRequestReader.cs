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

    public static RequestTable Table { get; } =
        RequestTable.ChatCompletions with
        {
            Read = Steps,
            Id = "id",
            CheckRun = body => ContinuedOf(body),
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
            // A page may keep data of its own in its messages.
            Names = new(
                $"""
                {RequestTable.OpenAiMembers}
                {RequestTable.OpenAiTools}
                request: id trigger messageId
                """
            ),
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
        var messages = RequestReader.Messages(body, Table, calls: []);
        // Only an application can ask for an approval.
        foreach (var message in messages)
            message.Contents =
            [
                .. message.Contents.Where(content => content is not (InputRequestContent or InputResponseContent)),
            ];
        ToolCalls.LeaveOutOpen(messages);
        UnshownContent.TellFiles(messages);
        var call = RequestReader.Call(body, target, Table, messages);
        return (chat, call, new RunPrompt("ai-sdk", messages, Asked: ContinuedOf(body)));
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
    private static List<ChatMessage> Steps(RequestValue json, RequestTable table)
    {
        var role = RequestReader.RoleOf(json.AsObject(), table)!.Value;
        var id = json.Name("id");
        var steps = new List<ChatMessage>();
        List<AIContent> said = [],
            replies = [];

        foreach (var part in json.Required("parts").Items(ChatBody.MaxMessages))
        {
            var type = part.AsObject().RequiredName("type");
            // A text after a text or a call begins another message of the model.
            var isApart =
                type == "text"
                && role == ChatRole.Assistant
                && said.FindLast(content => content is not TextReasoningContent)
                    is not (null or DataContent or UriContent);
            if (isApart || (replies.Count > 0 && !IsTool(type)))
                EndStep();

            if (IsTool(type))
            {
                var (call, reply) = ToolOf(part, type);
                said.Add(call);
                replies.AddRange(reply is null ? [] : [reply]);
            }
            // Only the page uses its data.
            else if (
                !type.StartsWith("data-", StringComparison.Ordinal) && RequestReader.Part(part, table) is { } content
            )
                said.Add(content);
        }

        EndStep();
        return steps;

        void EndStep()
        {
            var approvals = replies.FindAll(reply => reply is ToolApprovalResponseContent);
            Add(role, said, id);
            Add(ChatRole.Tool, replies.Except(approvals));
            Add(ChatRole.User, approvals);
            said.Clear();
            replies.Clear();
        }

        void Add(ChatRole author, IEnumerable<AIContent> contents, string? message = null)
        {
            if (contents.Any())
                steps.Add(new ChatMessage(author, [.. contents]) { MessageId = message });
        }
    }

    public static bool IsTool(string type) =>
        type == "dynamic-tool" || type.StartsWith("tool-", StringComparison.Ordinal);

    /// <summary>Reads a call, and its result or the user's approval, or null if it has neither.</summary>
    private static (AIContent Call, AIContent? Reply) ToolOf(RequestValue part, string type)
    {
        var id = part.RequiredName("toolCallId");
        var name = type == "dynamic-tool" ? part.RequiredName("toolName") : type["tool-".Length..];
        var state = part.Name("state");
        var call = ToolCalls.Parse(id, name, TextOf(part.Get("input") ?? part.Get("rawInput")) ?? "{}");
        if (
            state == "approval-responded"
            && part.Required("approval").AsObject() is var answer
            && answer.Is("approved")
        )
        {
            var request = new ToolApprovalRequestContent(answer.RequiredName("id"), call);
            return (request, request.CreateResponse(approved: true, answer.Text("reason")));
        }

        var result = state switch
        {
            "output-available" => TextOf(part.Get("output")) ?? "",
            "output-error" => part.Text("errorText") ?? "",
            "output-denied" or "approval-responded" => DenialOf(part.Get("approval")),
            _ => null,
        };
        if (result is null)
            return (call, null);

        var isError = state is not "output-available";
        return (call, UntranslatableContent.ToolResult(id, [new TextContent(result)], part.Path, isError));
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
