using System.Text.Json;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects.Messages;

/// <summary>Reads the body of a Messages request.</summary>
internal static class MessagesRequestReader
{
    /// <summary>Anthropic's own limit: characters of a tool's name.</summary>
    private const int MaxToolName = 128;

    private const int MaxBeta = 1_024;

    /// <summary>Most stop sequences, four times OpenAI's limit, because the demo model searches its text for each of
    /// them.</summary>
    private const int MaxStops = 16;

    /// <summary>Members that change the answer and that another vendor's API lacks.</summary>
    private static readonly string[] Untranslatable = (
        "compaction container context_management fallback_credit_token fallbacks mcp_servers thread"
    ).Split(' ');

    /// <summary>The members of Anthropic's Messages API (npm <c>@anthropic-ai/sdk</c> 1.10.0, including its betas), and
    /// this gateway's own.</summary>
    private static readonly string[] Members =
    [
        .. (
            "betas billing_policy cache_control diagnostics inference_geo max_tokens messages metadata model "
            + "output_config output_format provider service_tier speed stop_sequences stream system temperature "
            + "thinking tool_choice tools top_k top_p user_profile_id workspace_id"
        ).Split(' '),
        .. Untranslatable,
    ];

    /// <param name="body">The request.</param>
    /// <param name="providers">Resolves the model.</param>
    /// <param name="beta">The vendor's names of its beta features, which select members of request and answer.</param>
    /// <param name="needsMaxTokens">False for a request to count tokens.</param>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers, string? beta, bool needsMaxTokens = true)
    {
        if (beta?.Length > MaxBeta)
            throw new InvalidChatException("anthropic-beta", $"has at most {MaxBeta} characters.");

        var model = ChatBody.Name(body, "model") ?? throw new InvalidChatException("model", "Field required");
        var maxTokens = ChatBody.Count(body, "max_tokens");
        if (maxTokens is null && needsMaxTokens)
            throw new InvalidChatException("max_tokens", "Field required");

        var target = providers.Resolve(ChatBody.Name(body, "provider"), model);
        var isNative = target.Provider == "anthropic";

        var list =
            ChatBody.List(body, "messages", ChatBody.MaxMessages, "Input should be a valid list")
            ?? throw new InvalidChatException("messages", "Field required");
        if (list.GetArrayLength() == 0)
            throw new InvalidChatException("messages", "at least one message is required");

        ChatBody.Flag(body, "stream");

        var messages = new List<ChatMessage>();
        if (ChatBody.Get(body, "system") is { } system)
            messages.Add(new ChatMessage(ChatRole.System, Contents(system, "system")));

        messages.AddRange(list.EnumerateArray().Select((m, i) => Message(m, $"messages.{i}")));

        if (!isNative)
        {
            body.CheckMembers(Members);
            RefuseUntranslatable(body, target);
            UntranslatableContent.Refuse(messages);
        }

        var options = new CallOptions
        {
            ModelId = target.Model,
            MaxOutputTokens = maxTokens,
            Temperature = ChatBody.Number(body, "temperature", 1),
            TopP = ChatBody.Number(body, "top_p", 1),
            StopSequences = ChatBody.StopSequences(
                body,
                "stop_sequences",
                MaxStops,
                "Input should be a list of strings"
            ),
            NativeBody = isNative ? body : null,
            AnthropicBeta = string.IsNullOrEmpty(beta) ? null : beta,
        };

        if (!isNative)
            SetSchema(body, options, target);

        if (ChatBody.List(body, "tools", ChatBody.MaxTools, "Input should be a valid list") is { } tools)
        {
            options.Tools = [.. tools.EnumerateArray().Select((t, i) => Tool(t, i, isNative)).OfType<AITool>()];
            options.ToolMode = Mode(body);

            if (
                ChatBody.Get(body, "tool_choice") is { } choice
                && ChatBody.OptionalFlag(choice, "disable_parallel_tool_use") is { } isSingle
            )
                options.AllowMultipleToolCalls = !isSingle;
        }

        return new ChatCall(target, messages, options);
    }

    /// <summary>
    /// Refuses members that change the answer and that another vendor's API lacks. Hints are ignored: <c>thinking</c>,
    /// <c>top_k</c>, <c>metadata</c>, the effort of <c>output_config</c>.
    /// </summary>
    private static void RefuseUntranslatable(JsonElement body, ChatTarget target)
    {
        foreach (var name in Untranslatable)
            if (
                ChatBody.Get(body, name) is { } value
                && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0)
            )
                throw InvalidChatException.Untranslatable(name, target.Provider);
    }

    /// <summary>Reads the schema of the answer; <c>output_format</c> is the former place of the schema.</summary>
    private static void SetSchema(JsonElement body, CallOptions options, ChatTarget target)
    {
        var format =
            ChatBody.Get(body, "output_config") is { ValueKind: JsonValueKind.Object } output
            && ChatBody.Get(output, "format") is { } newer
                ? ("output_config.format", newer)
            : ChatBody.Get(body, "output_format") is { } older ? ("output_format", older)
            : ((string Path, JsonElement Value)?)null;

        if (format is { } asked)
            AnswerSchema.Set(options, target, asked.Path, asked.Value, isStrict: true);
    }

    private static ChatMessage Message(JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException(path, "Input should be an object");

        var role =
            ChatBody.Name(json, "role", path + ".") ?? throw new InvalidChatException($"{path}.role", "Field required");

        var known = role switch
        {
            "user" => ChatRole.User,
            "assistant" => ChatRole.Assistant,
            "system" => ChatRole.System,
            _ => throw new InvalidChatException($"{path}.role", "Input should be 'user', 'assistant' or 'system'"),
        };

        var content =
            ChatBody.Get(json, "content") ?? throw new InvalidChatException($"{path}.content", "Field required");
        return new ChatMessage(known, Contents(content, $"{path}.content"));
    }

    private static List<AIContent> Contents(JsonElement content, string path) =>
        ChatMessageReader.Contents(
            content,
            path,
            (block, i) => Block(block, $"{path}.{i}"),
            "Input should be a string or a list of blocks"
        );

    private static AIContent Block(JsonElement block, string path)
    {
        if (block.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException(path, "Input should be an object");

        string Required(string name) =>
            ChatBody.Text(block, name, path + ".")
            ?? throw new InvalidChatException($"{path}.{name}", "Field required");

        string RequiredName(string name) =>
            ChatBody.Name(block, name, path + ".")
            ?? throw new InvalidChatException($"{path}.{name}", "Field required");

        switch (RequiredName("type"))
        {
            case "text":
                return new TextContent(Required("text"));
            case "tool_use":
                return ToolCalls.Parse(
                    RequiredName("id"),
                    RequiredName("name"),
                    ChatBody.Get(block, "input")?.GetRawText() ?? "{}"
                );
            case "tool_result":
                List<AIContent> parts = ChatBody.Get(block, "content") is { } content
                    ? Contents(content, path + ".content")
                    : [];
                return UntranslatableContent.ToolResult(
                    RequiredName("tool_use_id"),
                    parts,
                    path + ".content",
                    ChatBody.Flag(block, "is_error")
                );
            case "image" when ChatBody.Get(block, "source") is { ValueKind: JsonValueKind.Object } source:
                var type = ChatBody.Name(source, "type", $"{path}.source.");
                // The id of an uploaded file means nothing to another vendor.
                if (type is not ("url" or "base64" or null))
                    return new UntranslatableContent($"{path}.source.type", type);
                if (type == "url")
                    return ChatMessageReader.Image(ChatBody.Text(source, "url") ?? "", $"{path}.source.url");
                try
                {
                    return new DataContent(
                        $"data:{ChatBody.Text(source, "media_type")};base64,{ChatBody.Text(source, "data")}"
                    );
                }
                catch (Exception e) when (e is ArgumentException or FormatException)
                {
                    throw new InvalidChatException($"{path}.source", "must be a valid image");
                }
            // Another provider has no use for it.
            case "thinking":
                var signature = ChatBody.Text(block, "signature", path + ".");
                return Thought(ChatBody.Text(block, "thinking", path + "."), signature);
            case "redacted_thinking":
                return Thought("", ChatBody.Text(block, "data", path + "."));
            // Documents and future kinds reach only a provider with the same API, in the original body.
            case var kind:
                return new UntranslatableContent($"{path}.type", kind);
        }
    }

    private static AIContent Thought(string? text, string? signature) =>
        (AIContent?)OwnReasoning.Unpack(text, signature) ?? new TextContent("");

    /// <summary>Reads a tool. Returns null for a tool of the vendor's own if the provider has the same API.</summary>
    private static AIFunctionDeclaration? Tool(JsonElement tool, int index, bool isNative)
    {
        if (tool.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException($"tools.{index}", "Input should be an object");
        // The vendor's own tools reach only a provider with the same API, in the original body.
        if (ChatBody.Name(tool, "type", $"tools.{index}.") is not (null or "custom") and var kind)
            return isNative
                ? null
                : throw new InvalidChatException(
                    $"tools.{index}.type",
                    $"Input should be 'custom': only Anthropic's models have '{kind}'"
                );

        var name = ChatBody.RequiredName(tool, "name", $"tools.{index}.", "Field required", MaxToolName);
        return AIFunctionFactory.CreateDeclaration(
            name,
            ChatBody.Text(tool, "description", $"tools.{index}."),
            ChatBody.Get(tool, "input_schema") ?? JsonElement.Parse("""{"type":"object","properties":{}}"""),
            null
        );
    }

    private static ChatToolMode Mode(JsonElement body)
    {
        if (ChatBody.Get(body, "tool_choice") is not { } choice)
            return ChatToolMode.Auto;
        if (choice.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException("tool_choice", "Input should be an object");

        return ChatBody.Text(choice, "type", "tool_choice.") switch
        {
            "auto" => ChatToolMode.Auto,
            "any" => ChatToolMode.RequireAny,
            "none" => ChatToolMode.None,
            "tool" => ChatToolMode.RequireSpecific(
                ChatBody.RequiredName(choice, "name", "tool_choice.", "Field required")
            ),
            _ => throw new InvalidChatException("tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'"),
        };
    }
}
