using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.AgUi;

/// <summary>
/// Makes the events of an AG-UI run. The protocol has no resume, so a client that reconnects without an id gets the
/// part so far as a snapshot, and the rest continues the same message:
/// <code>
/// {"type":"RUN_STARTED","threadId":"t","runId":"r"}
/// {"type":"MESSAGES_SNAPSHOT","messages":[…,{"id":"ab12…","role":"assistant","content":"Hel"}]}
/// {"type":"TEXT_MESSAGE_START","messageId":"ab12…","role":"assistant"}
/// {"type":"TEXT_MESSAGE_CONTENT","messageId":"ab12…","delta":"lo"}
/// </code>
/// </summary>
/// <param name="run">The run.</param>
/// <param name="threadId">The client's name of the thread.</param>
/// <param name="runId">The client's name of the run.</param>
/// <param name="soFar">The updates of the snapshot, or null if the stream has no snapshot.</param>
/// <param name="history">The snapshot's messages before the run's own.</param>
internal sealed class AgUiWriter(
    RunHead run,
    string threadId,
    string runId,
    IReadOnlyList<ChatResponseUpdate>? soFar = null,
    JsonArray? history = null
) : AnswerWriter(Format, run)
{
    /// <summary>The run's messages while they are gathered for a snapshot, else null.</summary>
    private OrderedDictionary<string, JoinedDeltas>? _messages;

    private bool _hasMessage;
    private bool _isBroken;
    private int _reasonings;
    private int _turns;
    private int _taken;
    private int _withoutId;
    private long _number;

    /// <summary>The format: events without names. A refusal's body is the event that ends a run.
    /// <code>{"type":"RUN_ERROR","message":"threadId is required.","code":"invalid_request"}</code></summary>
    public static VendorFormat Format { get; } =
        new("AG-UI", "https://docs.ag-ui.com/concepts/events", BodyOf)
        {
            EarlyEnd = EarlyEndOf,
            // If the body breaks after the run's end, TanStack AI asks for the rest, and takes an empty one for a
            // failure, or one with an id that it knows.
            RepeatsEnd = true,
        };

    protected override bool WritesPendingCalls => false;

    /// <summary>Id of the model's current message. A tool's result, a break by the model, and text after reasoning or
    /// a call begin another message, so that the client's messages keep the order of the answer.</summary>
    private string MessageId => _turns == 0 ? Run.Name.Id : $"{Run.Name.Id}-{_turns}";

    // The run's first updates are in the snapshot already.
    public override IReadOnlyList<JsonObject> Next(ChatResponseUpdate update) =>
        ++_taken <= soFar?.Count ? [] : base.Next(update);

    /// <summary>Returns the place of the next event among those of a stream without a snapshot, so that a client can go
    /// on in either stream. Of a snapshot's frames only the last has an id: a client needs all of them.</summary>
    public override string? NextId() =>
        _withoutId-- > 0 ? null : new StreamPosition(EpochOf(Run), _number++).ToString();

    /// <summary>Returns what the ids of a run's events have in common, and those of no other run.</summary>
    public static string EpochOf(RunHead run) => $"{run.At.Position}";

    protected override void WriteStart()
    {
        // The client gets the messages in place of these frames.
        _messages = soFar is null ? null : [];
        foreach (var update in soFar ?? [])
            _number += base.Next(update).Count;

        Write("RUN_STARTED", ("threadId", threadId), ("runId", runId));
        if (_messages is null)
            return;

        var own = _messages.Values.Select(message => message.ToJson());
        _messages = null;
        Write("MESSAGES_SNAPSHOT", ("messages", new JsonArray([.. history!.Select(m => m!.DeepClone()), .. own])));
        _withoutId = 1;
        if (Open is { } kind)
            _withoutId += WriteBlockStart(kind);
    }

    protected override void WriteEnd()
    {
        Close();
        var outcome = Event(Finish == GenerationEvents.Cancelled ? "cancelled" : "success");
        if (PendingCalls is { Count: > 0 } pending)
            outcome["pendingToolCallIds"] = new JsonArray([.. pending.Select(call => call.CallId)]);

        Write(
            "RUN_FINISHED",
            ("threadId", threadId),
            ("runId", runId),
            ("outcome", outcome),
            ("usage", new JsonArray(UsageNow())),
            ("metadata", Object(("finishReason", Finish)))
        );
    }

    protected override void WriteOpening(TextKind kind)
    {
        _isBroken |= _hasMessage;
        if (kind == TextKind.Reasoning)
            _reasonings++;
        else
            EnterMessage();
        WriteBlockStart(kind);
    }

    protected override void WriteText(TextKind kind, string text)
    {
        Gather(IdOf(kind), ("content", text));
        Write($"{NameOf(kind)}_CONTENT", ("messageId", IdOf(kind)), ("delta", text));
    }

    protected override void WriteClosing(TextKind kind)
    {
        if (kind == TextKind.Reasoning && Signature is { } signature)
        {
            Gather(IdOf(kind), ("encryptedValue", signature));
            Write(
                "REASONING_ENCRYPTED_VALUE",
                ("subtype", "message"),
                ("entityId", IdOf(kind)),
                ("encryptedValue", signature)
            );
        }

        Write($"{NameOf(kind)}_END", ("messageId", IdOf(kind)));
        if (kind == TextKind.Reasoning)
            Write("REASONING_END", ("messageId", IdOf(kind)));
    }

    protected override void BreakMessage() => _isBroken = true;

    protected override void WriteCall(FunctionCallContent call)
    {
        EnterMessage();
        var arguments = ToolCalls.Arguments(call);
        Gather(
            MessageId,
            ("id", MessageId),
            ("role", "assistant"),
            ("toolCalls", new JsonArray(AgUiMessages.Call(call.CallId, call.Name, arguments)))
        );
        Write(
            "TOOL_CALL_START",
            ("toolCallId", call.CallId),
            ("toolCallName", call.Name),
            ("parentMessageId", MessageId)
        );
        if (arguments.Length > 0)
            Write("TOOL_CALL_ARGS", ("toolCallId", call.CallId), ("delta", arguments));
        Write("TOOL_CALL_END", ("toolCallId", call.CallId));
    }

    protected override void WriteResult(FunctionResultContent result)
    {
        Close();
        _hasMessage = false;
        _isBroken = false;
        var id = $"{Run.Name.Id}-tool-{++_turns}";
        var content = ToolCalls.Result(result);
        Gather(id, ("id", id), ("role", "tool"), ("toolCallId", result.CallId), ("content", content));
        Write(
            "TOOL_CALL_RESULT",
            ("messageId", id),
            ("toolCallId", result.CallId),
            ("content", content),
            ("role", "tool")
        );
    }

    // Clients drop events that they do not know, so this is no place for it, but an application's page may read it.
    protected override void WriteUnshown(AIContent content) =>
        Write(
            "CUSTOM",
            ("name", "content"),
            ("value", JsonSerializer.SerializeToNode(content, StoredContents.OneJson))
        );

    private void EnterMessage()
    {
        if (_isBroken && _hasMessage)
            _turns++;
        _isBroken = false;
        _hasMessage = true;
    }

    /// <summary>Writes the frames that open a block, and returns their number.</summary>
    private int WriteBlockStart(TextKind kind)
    {
        var isReasoning = kind == TextKind.Reasoning;
        if (isReasoning)
            Write("REASONING_START", ("messageId", IdOf(kind)));
        var role = isReasoning ? "reasoning" : "assistant";
        Gather(IdOf(kind), ("id", IdOf(kind)), ("role", role));
        Write($"{NameOf(kind)}_START", ("messageId", IdOf(kind)), ("role", role));
        return isReasoning ? 2 : 1;
    }

    /// <summary>Adds members to a message of the snapshot, if one is made.</summary>
    private void Gather(string id, params ReadOnlySpan<(string Name, JsonNode? Value)> members)
    {
        if (_messages is null)
            return;
        _messages.TryAdd(id, new JoinedDeltas());
        _messages[id].Add(Object(members));
    }

    private static string NameOf(TextKind kind) => kind == TextKind.Reasoning ? "REASONING_MESSAGE" : "TEXT_MESSAGE";

    private string IdOf(TextKind kind) =>
        kind == TextKind.Reasoning ? $"{Run.Name.Id}-reasoning-{_reasonings}" : MessageId;

    // The protocol has no null values.
    private JsonObject UsageNow() =>
        Known([("provider", Run.Provider), ("model", Model is "" ? null : Model), .. UsageOfPage]);

    private static JsonObject BodyOf(VendorError error) =>
        Event(
            "RUN_ERROR",
            ("message", error.Message),
            ("code", error.Code ?? (error.Status < 500 ? "invalid_request" : "server_error"))
        );

    /// <summary>Returns an event for clients that a broken body would hurt: in Node.js, <c>HttpAgent</c> leaves a
    /// rejection that ends the process. A client that resumes by ids would not resume after the event.</summary>
    private static VendorError? EarlyEndOf(HttpRequest request) =>
        request.Headers.ContainsKey("X-Run-Id") || request.Headers.ContainsKey("Last-Event-ID")
            ? null
            : new(
                503,
                "stream_ended",
                "The server has ended this stream. The run goes on: the same request rejoins it."
            );
}
