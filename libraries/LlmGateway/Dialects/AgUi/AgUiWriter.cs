using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;
using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.AgUi;

/// <summary>
/// Makes the events of an AG-UI run. The protocol has no resume, so a client that reconnects gets the part so far as a
/// snapshot, and the rest continues the same message:
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
) : AnswerWriter(AgUiFormat.Instance, run.Model ?? "", run.Provider)
{
    private bool _hasMessage;
    private bool _isBroken;
    private int _reasonings;
    private int _turns;
    private int _taken;

    /// <summary>Id of the model's current message. A tool's result, a break by the model, and text after reasoning or
    /// a call begin another message, so that the client's messages keep the order of the answer.</summary>
    private string MessageId => _turns == 0 ? run.Name.Id : $"{run.Name.Id}-{_turns}";

    // The run's first updates are in the snapshot already.
    public override IReadOnlyList<JsonObject> Next(ChatResponseUpdate update) =>
        ++_taken <= soFar?.Count ? [] : base.Next(update);

    protected override void WriteStart()
    {
        // These frames become the snapshot, so they come before any frame is written.
        var messages = new AgUiMessages();
        foreach (var frame in (soFar ?? []).SelectMany(base.Next))
            messages.Add(frame);

        Write("RUN_STARTED", ("threadId", threadId), ("runId", runId));
        if (soFar is null)
            return;

        var all = new JsonArray([.. history!.Select(m => m!.DeepClone()), .. messages.All()]);
        Write("MESSAGES_SNAPSHOT", ("messages", all));
        if (Open is { } kind)
            WriteBlockStart(kind);
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

    protected override void WriteText(TextKind kind, string text) =>
        Write($"{NameOf(kind)}_CONTENT", ("messageId", IdOf(kind)), ("delta", text));

    protected override void WriteClosing(TextKind kind)
    {
        if (kind == TextKind.Reasoning && Signature is { } signature)
            Write(
                "REASONING_ENCRYPTED_VALUE",
                ("subtype", "message"),
                ("entityId", IdOf(kind)),
                ("encryptedValue", signature)
            );
        Write($"{NameOf(kind)}_END", ("messageId", IdOf(kind)));
        if (kind == TextKind.Reasoning)
            Write("REASONING_END", ("messageId", IdOf(kind)));
    }

    protected override void BreakMessage() => _isBroken = true;

    protected override void WriteCall(FunctionCallContent call)
    {
        EnterMessage();
        Write(
            "TOOL_CALL_START",
            ("toolCallId", call.CallId),
            ("toolCallName", call.Name),
            ("parentMessageId", MessageId)
        );
        if (ToolCalls.Arguments(call) is { Length: > 0 } arguments)
            Write("TOOL_CALL_ARGS", ("toolCallId", call.CallId), ("delta", arguments));
        Write("TOOL_CALL_END", ("toolCallId", call.CallId));
    }

    protected override void WriteResult(FunctionResultContent result)
    {
        Close();
        _hasMessage = false;
        _isBroken = false;
        Write(
            "TOOL_CALL_RESULT",
            ("messageId", $"{run.Name.Id}-tool-{++_turns}"),
            ("toolCallId", result.CallId),
            ("content", ToolCalls.Result(result)),
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

    private void WriteBlockStart(TextKind kind)
    {
        if (kind == TextKind.Reasoning)
            Write("REASONING_START", ("messageId", IdOf(kind)));
        var role = kind == TextKind.Reasoning ? "reasoning" : "assistant";
        Write($"{NameOf(kind)}_START", ("messageId", IdOf(kind)), ("role", role));
    }

    private static string NameOf(TextKind kind) => kind == TextKind.Reasoning ? "REASONING_MESSAGE" : "TEXT_MESSAGE";

    private string IdOf(TextKind kind) =>
        kind == TextKind.Reasoning ? $"{run.Name.Id}-reasoning-{_reasonings}" : MessageId;

    private JsonObject UsageNow()
    {
        var usage = Object(
            ("provider", run.Provider),
            ("model", Model is "" ? null : Model),
            ("inputTokens", Usage?.InputTokenCount),
            ("outputTokens", Usage?.OutputTokenCount),
            ("totalTokens", Usage?.TotalTokenCount),
            ("reasoningTokens", Usage?.ReasoningTokenCount),
            ("cachedInputTokens", Usage?.CachedInputTokenCount)
        );
        // The protocol has no null values.
        foreach (var name in usage.Where(member => member.Value is null).Select(member => member.Key).ToList())
            usage.Remove(name);
        return usage;
    }
}
