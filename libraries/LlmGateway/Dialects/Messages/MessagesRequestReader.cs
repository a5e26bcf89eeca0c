namespace LlmGateway.Dialects.Messages;

/// <summary>Reads the body of a Messages request.</summary>
internal static class MessagesRequestReader
{
    private const int MaxBeta = 1_024;

    /// <summary>Anthropic's Messages API (npm <c>@anthropic-ai/sdk</c> 1.14.0, including its betas), and this gateway's
    /// own members.</summary>
    private const string Source = "type media_type data url";
    private const string Tool =
        "type name description input_schema cache_control strict defer_loading allowed_callers input_examples "
        + "eager_input_streaming";

    public static RequestTable Table { get; } =
        new()
        {
            HasDots = true,
            Instructions = "system",
            Natives = ["anthropic"],
            Roles = ["user", "assistant", "system"],
            Parts = new()
            {
                ["text"] = RequestParts.Text,
                ["image"] = part => RequestParts.Source(part, "url", "base64", "media_type", "data"),
                ["tool_use"] = CallOf,
                ["tool_result"] = ResultOf,
                // Another provider has no use for it.
                ["thinking"] = block => RequestParts.Reasoning(block, "thinking", block.Text("signature")),
                ["redacted_thinking"] = block => OwnReasoning.Unpack("", block.Text("data")),
            },
            CallId = "content",
            MaxTokens = ["max_tokens"],
            MaxTemperature = 1,
            Stop = "stop_sequences",
            MaxStops = 16,
            ToolType = "custom",
            HasToolTypes = false,
            ToolSchema = "input_schema",
            MaxToolName = 128,
            ToolsPassedOn = "only Anthropic's models have {0}",
            // The second is the former place.
            Formats = ["output_config.format", "output_format"],
            IsStrict = true,
            // Hints are ignored: thinking, top_k, metadata, the effort of output_config.
            Names = new(
                $"""
                request: betas billing_policy cache_control diagnostics inference_geo max_tokens messages metadata model
                    output_config output_format provider service_tier speed stop_sequences stream system temperature
                    thinking tool_choice tools top_k top_p user_profile_id workspace_id
                refused: compaction container context_management fallback_credit_token fallbacks mcp_servers thread
                message: role content id type model stop_reason stop_sequence stop_details usage container
                    context_management diagnostics parsed_output
                text: type text cache_control citations parsed_output parsed
                image: type source cache_control
                .source: {Source}
                url: {Source}
                base64: {Source}
                tool_use: type id name input cache_control caller
                tool_result: type tool_use_id content is_error cache_control
                thinking: type thinking signature cache_control
                redacted_thinking: type data cache_control
                .tools: {Tool}
                custom: {Tool}
                """
            ),
            // The tool runner of Anthropic's client sends {"type":"create"}, which keeps the conversation at the vendor
            // and does not change the answer.
            Defaults = new() { ["thread"] = "create", ["context_management"] = RequestTable.Empty },
        };

    /// <param name="json">The request's body.</param>
    /// <param name="providers">Resolves the model.</param>
    /// <param name="beta">The vendor's names of its beta features, which select members of request and answer.</param>
    /// <param name="needsMaxTokens">False for a request to count tokens.</param>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static ChatCall Read(RequestValue json, ChatProviders providers, string? beta, bool needsMaxTokens = true)
    {
        if (beta?.Length > MaxBeta)
            throw new InvalidChatException("anthropic-beta", $"has at most {MaxBeta} characters.");

        var body = json with { HasDots = true };
        var target = RequestReader.Target(body, providers);
        if (needsMaxTokens)
            body.Required("max_tokens");

        // The conversation of the earlier requests is not kept here.
        if (
            !Table.IsNative(target)
            && body.Get("thread") is { IsObject: true } thread
            && thread.Name("type") == "continue"
        )
            throw new InvalidChatException(
                "thread",
                "thread is not found here: send the whole conversation.",
                code: InvalidChatException.ThreadNotFound
            );

        var messages = RequestReader.Messages(body, Table, calls: Table.IsNative(target) ? null : []);
        if (body.Get("system") is { } system)
            messages.Insert(0, new ChatMessage(ChatRole.System, RequestReader.Contents(system, Table)));

        var call = RequestReader.Call(body, target, Table, messages);
        call.Options.AnthropicBeta = string.IsNullOrEmpty(beta) ? null : beta;
        return call;
    }

    private static FunctionCallContent CallOf(RequestValue block) =>
        ToolCalls.Parse(
            block.RequiredName("id"),
            block.RequiredName("name"),
            block.Get("input")?.Json.GetRawText() ?? "{}"
        );

    private static AIContent ResultOf(RequestValue block) =>
        UntranslatableContent.ToolResult(
            block.RequiredName("tool_use_id"),
            RequestReader.Contents(block.Get("content"), Table),
            block.PathOf("content"),
            block.Flag("is_error") == true
        );
}
