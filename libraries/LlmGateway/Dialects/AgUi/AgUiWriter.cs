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
) : IAnswerWriter
{
    private readonly UsageDetails _usage = new();
    private readonly ClientCalls _calls = new();
    private readonly MessageBreaks _breaks = new();
    private string _finish = "stop";
    private string? _text;
    private string? _reasoning;
    private bool _hasMessage;
    private int _reasonings;
    private int _turns;
    private int _taken;

    public string Model { get; private set; } = run.Model ?? "";

    /// <summary>Id of the model's current message. A tool's result, or a break by the model, begins another
    /// message.</summary>
    private string MessageId => _turns == 0 ? run.Name.Id : $"{run.Name.Id}-{_turns}";

    public IReadOnlyList<JsonObject> Start()
    {
        var started = Event("RUN_STARTED", ("threadId", threadId), ("runId", runId));
        if (soFar is null)
            return [started];

        var messages = new AgUiMessages();
        foreach (var frame in soFar.SelectMany(Project))
            messages.Add(frame);

        var all = new JsonArray([.. history!.Select(m => m!.DeepClone()), .. messages.All()]);
        return [started, Event("MESSAGES_SNAPSHOT", ("messages", all)), .. Reopen()];
    }

    public IReadOnlyList<JsonObject> Next(ChatResponseUpdate update) =>
        // The run's first updates are in the snapshot already.
        ++_taken <= soFar?.Count
            ? []
            : [.. Project(update)];

    public IReadOnlyList<JsonObject> End()
    {
        var isCancelled = _finish == GenerationEvents.Cancelled;
        var outcome = Event(isCancelled ? "cancelled" : "success");
        if (_calls.AtEnd(_finish) is { Count: > 0 } pending)
            outcome["pendingToolCallIds"] = new JsonArray([.. pending.Select(call => call.CallId)]);

        return
        [
            .. CloseReasoning(),
            .. CloseText(),
            Event(
                "RUN_FINISHED",
                ("threadId", threadId),
                ("runId", runId),
                ("outcome", outcome),
                ("usage", new JsonArray(Usage())),
                ("metadata", Object(("finishReason", _finish)))
            ),
        ];
    }

    public IReadOnlyList<JsonObject> Fail(VendorError error) => [AgUiFormat.Instance.Body(error)];

    private IEnumerable<JsonObject> Project(ChatResponseUpdate update)
    {
        Model = update.ModelId ?? Model;
        _finish = update.FinishReason?.Value ?? _finish;
        // A tool's result ends the message by itself.
        var isNext = _breaks.IsBefore(update) && !update.Contents.Any(content => content is FunctionResultContent);
        var ended = isNext ? EndMessage() : [];
        return ended.Concat(update.Contents.SelectMany(Project));
    }

    private List<JsonObject> EndMessage()
    {
        List<JsonObject> ended = [.. CloseReasoning(), .. CloseText()];
        if (_hasMessage)
            _turns++;
        _hasMessage = false;
        return ended;
    }

    private IEnumerable<JsonObject> Project(AIContent content)
    {
        switch (content)
        {
            case TextContent { Text.Length: > 0 } text:
                var opened = _text is null ? [Text("START", ("role", "assistant"))] : Array.Empty<JsonObject>();
                _text = MessageId;
                _hasMessage = true;
                return [.. CloseReasoning(), .. opened, Text("CONTENT", ("delta", text.Text))];
            case TextReasoningContent { Text.Length: > 0 } reasoning:
                var begun = _reasoning is null ? OpenReasoning($"{run.Name.Id}-reasoning-{++_reasonings}") : [];
                return [.. begun, Reasoning("MESSAGE_CONTENT", ("delta", reasoning.Text))];
            case FunctionCallContent call:
                _calls.Add(call);
                _hasMessage = true;
                return [.. CloseReasoning(), .. Call(call)];
            case FunctionResultContent result:
                _calls.Answer(result);
                return [.. CloseReasoning(), .. CloseText(), Result(result)];
            case UsageContent usage:
                _usage.Add(usage.Details);
                return [];
            default:
                return [];
        }
    }

    private IEnumerable<JsonObject> Call(FunctionCallContent call)
    {
        yield return Event(
            "TOOL_CALL_START",
            ("toolCallId", call.CallId),
            ("toolCallName", call.Name),
            ("parentMessageId", MessageId)
        );
        if (ToolCalls.Arguments(call) is { Length: > 0 } arguments)
            yield return Event("TOOL_CALL_ARGS", ("toolCallId", call.CallId), ("delta", arguments));
        yield return Event("TOOL_CALL_END", ("toolCallId", call.CallId));
    }

    private JsonObject Result(FunctionResultContent result)
    {
        var message = $"{run.Name.Id}-tool-{++_turns}";
        _hasMessage = false;
        return Event(
            "TOOL_CALL_RESULT",
            ("messageId", message),
            ("toolCallId", result.CallId),
            ("content", ToolCalls.Result(result)),
            ("role", "tool")
        );
    }

    private IEnumerable<JsonObject> Reopen() =>
        [
            .. _reasoning is { } id ? OpenReasoning(id) : [],
            .. _text is null ? Array.Empty<JsonObject>() : [Text("START", ("role", "assistant"))],
        ];

    private JsonObject[] OpenReasoning(string id)
    {
        _reasoning = id;
        return [Reasoning("START"), Reasoning("MESSAGE_START", ("role", "reasoning"))];
    }

    private JsonObject[] CloseReasoning()
    {
        if (_reasoning is null)
            return [];

        JsonObject[] closed = [Reasoning("MESSAGE_END"), Reasoning("END")];
        _reasoning = null;
        return closed;
    }

    private JsonObject[] CloseText()
    {
        if (_text is null)
            return [];

        JsonObject[] closed = [Text("END")];
        _text = null;
        return closed;
    }

    private JsonObject Text(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        Event($"TEXT_MESSAGE_{type}", [("messageId", _text ?? MessageId), .. members]);

    private JsonObject Reasoning(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        Event($"REASONING_{type}", [("messageId", _reasoning), .. members]);

    private JsonObject Usage()
    {
        var usage = new JsonObject();
        Add("provider", run.Provider);
        Add("model", Model is "" ? null : Model);
        Add("inputTokens", _usage.InputTokenCount);
        Add("outputTokens", _usage.OutputTokenCount);
        Add("totalTokens", _usage.TotalTokenCount);
        Add("reasoningTokens", _usage.ReasoningTokenCount);
        Add("cachedInputTokens", _usage.CachedInputTokenCount);
        return usage;

        // The protocol has no null values.
        void Add(string name, JsonNode? value)
        {
            if (value is not null)
                usage[name] = value;
        }
    }
}
