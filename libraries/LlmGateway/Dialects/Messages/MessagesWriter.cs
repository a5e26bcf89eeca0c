using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.Messages;

/// <summary>
/// Makes events in Anthropic's format: content blocks within a message. Events of a provider with the same API are
/// passed on as they are, after this answer's own start.
/// </summary>
/// <param name="run">The run, or the facts of an answer that ends with its request.</param>
/// <param name="call">The request of that answer, or null for a run.</param>
internal sealed class MessagesWriter(RunHead run, ChatCall? call = null) : AnswerWriter(Format, run, call)
{
    private readonly JoinedDeltas _blocks = new();
    private JsonObject _message = [];
    private string? _stopSequence;
    private int _block = -1;
    private bool _isFinished;

    public static VendorFormat Format { get; } =
        new("Anthropic", "https://docs.anthropic.com/en/api/messages", BodyOf)
        {
            RequestIdHeader = "request-id",
            RepeatsRequestId = true,
            HasNames = true,
            Heartbeat = Of(Event("ping"), "ping"),
        };

    // A call that was cut by the limit is incomplete, so a client must not run it.
    private string StopReason =>
        ShownFinish switch
        {
            "length" => "max_tokens",
            "content_filter" => "refusal",
            "tool_calls" => "tool_use",
            _ when HasRefused => "refusal",
            _ => _stopSequence is not null ? "stop_sequence" : "end_turn",
        };

    public override JsonObject ToJson()
    {
        var blocks = _blocks.ToList();
        foreach (var block in blocks.OfType<JsonObject>())
        {
            if (WireJson.Text(block, "partial_json") is { Length: > 0 } input)
                block["input"] = ToolCalls.InputOrText(input);
            block.Remove("partial_json");
        }

        _message["content"] = blocks;
        return _message;
    }

    protected override long Join(JsonObject frame)
    {
        switch (WireJson.Text(frame, "type"))
        {
            case "message_start" when frame["message"] is JsonObject message:
                _message = message;
                return 0;
            case "content_block_start":
                return _blocks.AddItem(WireJson.Number(frame, "index") ?? _blocks.Count, frame["content_block"]);
            case "content_block_delta" when frame["delta"] is JsonObject delta:
                // The block has a type of its own, and a list of its sources.
                delta.Remove("type");
                if (delta["citation"] is { } citation)
                    delta["citations"] = new JsonArray(citation.DeepClone());
                delta.Remove("citation");
                // A delta without a number belongs to the last block.
                return _blocks.AddItem(WireJson.Number(frame, "index") ?? _blocks.Count - 1, delta);
            case "message_delta":
                foreach (var (name, member) in frame.Concat(frame["delta"] as JsonObject ?? []))
                    if (name is not ("type" or "delta"))
                        _message[name] = member?.DeepClone();
                return 0;
            default:
                return 0;
        }
    }

    protected override bool PassesOn(ChatResponseUpdate update)
    {
        var isNative = Call is { IsNative: true };
        if (!isNative)
            _stopSequence = StopSequence.Of(update) ?? _stopSequence;
        else if (update.RawRepresentation is JsonObject native)
            Write(Completed(native));
        return isNative;
    }

    protected override void WriteStart()
    {
        var message = Object(
            ("id", $"msg_{Run.Name.Id}"),
            ("type", "message"),
            ("role", "assistant"),
            ("model", Model),
            ("content", new JsonArray()),
            ("stop_reason", null),
            ("stop_sequence", null),
            ("usage", UsageOf(output: 0))
        );
        Write("message_start", ("message", message));
        Write("ping");
    }

    protected override void WriteEnd()
    {
        ThrowIfCancelled();
        if (!_isFinished)
        {
            WritePending();
            Write(
                "message_delta",
                ("delta", Object(("stop_reason", StopReason), ("stop_sequence", _stopSequence))),
                ("usage", UsageOf(Usage.Output))
            );
        }

        Write("message_stop");
    }

    protected override void WriteOpening(TextKind kind) =>
        WriteBlock(
            kind == TextKind.Reasoning
                ? Event("thinking", ("thinking", ""), ("signature", ""))
                : Event("text", ("text", ""))
        );

    protected override void WriteText(TextKind kind, string text)
    {
        var member = kind == TextKind.Reasoning ? "thinking" : "text";
        WriteDelta($"{member}_delta", member, text);
    }

    protected override void WriteClosing(TextKind kind)
    {
        // Anthropic signs its model's thinking, and its clients wait for the signature and send it back.
        if (kind == TextKind.Reasoning)
            WriteDelta("signature_delta", "signature", Signature ?? "");
        Write("content_block_stop", ("index", _block));
    }

    protected override void WriteCall(FunctionCallContent tool)
    {
        WriteBlock(Event("tool_use", ("id", tool.CallId), ("name", tool.Name), ("input", new JsonObject())));
        WriteDelta("input_json_delta", "partial_json", ToolCalls.Arguments(tool));
        WriteClosing(TextKind.Answer);
    }

    /// <summary>Returns the provider's counts. Until they arrive, at the end, the input is an estimate.</summary>
    private JsonObject UsageOf(long output)
    {
        var cached = Usage.Cached ?? 0;
        var usage = new JsonObject { ["input_tokens"] = Usage.Input - cached, ["output_tokens"] = output };
        if (cached > 0)
            usage["cache_read_input_tokens"] = cached;
        return usage;
    }

    /// <summary>Adds the members that the provider's last frame lacks.</summary>
    private JsonObject Completed(JsonObject frame)
    {
        _isFinished |= WireJson.Text(frame, "type") == "message_delta";
        if (_isFinished && frame["delta"] is JsonObject delta)
            delta.TryAdd("stop_sequence", null);

        if (frame["usage"] is JsonObject usage)
        {
            usage["input_tokens"] ??= Usage.Input;
            usage["output_tokens"] ??= Usage.Output;
        }

        return frame;
    }

    private void WriteBlock(JsonObject block) =>
        Write("content_block_start", ("index", ++_block), ("content_block", block));

    private void WriteDelta(string type, string name, JsonNode value) =>
        Write("content_block_delta", ("index", _block), ("delta", Event(type, (name, value))));

    /// <summary>Makes the body of an error: <c>{"type":"error","error":{"type","message"}}</c>.</summary>
    private static JsonObject BodyOf(VendorError error)
    {
        var inner = Event(TypeOf(error.Status), ("message", error.Message));
        if (error.Code == InvalidChatException.ThreadNotFound)
            inner["details"] = new JsonObject { ["error_code"] = error.Code };
        return Event("error", ("error", inner));
    }

    private static string TypeOf(int status) =>
        status switch
        {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 or 529 => "overloaded_error",
            504 => "timeout_error",
            499 or >= 500 => "api_error",
            _ => "invalid_request_error",
        };
}
