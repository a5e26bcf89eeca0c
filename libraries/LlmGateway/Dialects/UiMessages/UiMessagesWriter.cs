using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.UiMessages;

/// <summary>
/// Makes the chunks of AI SDK's UI message stream. The message's id is the run's id, or the id of the client's message
/// that the answer continues, so that a client that reads the chunks again has the message once.
/// <code>
/// {"type":"start","messageId":"0195…"} {"type":"start-step"}
/// {"type":"text-start","id":"1"} {"type":"text-delta","id":"1","delta":"Hel"} {"type":"text-end","id":"1"}
/// {"type":"finish-step"} {"type":"finish","finishReason":"stop","messageMetadata":{"model":"…","usage":{…}}}
/// </code>
/// </summary>
/// <param name="run">The run.</param>
/// <param name="continued">The client's message that the answer continues, or null if the answer is a new
/// message.</param>
/// <param name="replays">True for a client that empties its message at <c>start</c>: it gets the parts of the continued
/// message again.</param>
internal sealed class UiMessagesWriter(RunHead run, JsonObject? continued, bool replays = false)
    : AnswerWriter(Format, run)
{
    private bool _hasCalls;
    private bool _hasResults;
    private int _parts;
    private int _sources;

    /// <summary>The format: chunks without names, then <c>[DONE]</c>. The client shows the body of a refusal to its
    /// user, and an error in a stream is the same object.
    /// <code>{"type":"error","errorText":"messages is required.","code":null}</code></summary>
    public static VendorFormat Format { get; } =
        new(
            "AI SDK",
            "https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol",
            error => Event("error", ("errorText", error.Message), ("code", error.Code))
        )
        {
            Header = ("x-vercel-ai-ui-message-stream", "v1"),
            Done = Of("[DONE]"),
        };

    protected override bool WritesPendingCalls => false;

    private string PartId => $"{_parts}";

    protected override void WriteStart()
    {
        var start = Event("start", ("messageId", (string?)continued?["id"] ?? Run.Name.Id));
        if (replays && continued?["metadata"] is { } metadata)
            start["messageMetadata"] = metadata.DeepClone();
        Write(start);
        foreach (var part in (replays ? continued?["parts"] as JsonArray : null) ?? [])
            Replay(part);
        Write("start-step");
    }

    protected override void WriteEnd()
    {
        if (Finish == GenerationEvents.Cancelled)
        {
            EndCalls([], "The answer was cancelled.");
            Write("message-metadata", ("messageMetadata", Metadata()));
            Write("abort", ("reason", "cancelled"));
            return;
        }

        EndCalls(PendingCalls, "The answer was cut.");
        Write("finish-step");
        Write("finish", ("finishReason", FinishReason), ("messageMetadata", Metadata()));
    }

    protected override void WriteFailure(VendorError error)
    {
        EndCalls([], "The answer failed.");
        base.WriteFailure(error);
    }

    protected override void WriteOpening(TextKind kind)
    {
        AfterResults();
        _parts++;
        Write($"{NameOf(kind)}-start", ("id", PartId));
    }

    protected override void WriteText(TextKind kind, string text) =>
        Write($"{NameOf(kind)}-delta", ("id", PartId), ("delta", text));

    protected override void WriteClosing(TextKind kind)
    {
        var signature = kind == TextKind.Reasoning ? Signature : null;
        WriteEnd(NameOf(kind), UiMessagesRequestReader.MetadataOf(signature));
    }

    private void WriteEnd(string type, JsonNode? metadata)
    {
        var end = Event($"{type}-end", ("id", PartId));
        if (metadata is not null)
            end["providerMetadata"] = metadata;
        Write(end);
    }

    protected override void WriteCall(FunctionCallContent call)
    {
        AfterResults();
        _hasCalls = true;
        var input = ToolCalls.InputOrText(call);
        var chunk = Event(
            input is JsonObject ? "tool-input-available" : "tool-input-error",
            ("toolCallId", call.CallId),
            ("toolName", call.Name),
            ("input", input)
        );
        if (input is not JsonObject)
            chunk["errorText"] = "The model's arguments are not a JSON object.";
        Write(chunk);
    }

    protected override void WriteResult(FunctionResultContent result)
    {
        Close();
        _hasResults = true;
        var output = ToolCalls.InputOrText(ToolCalls.Result(result));
        Write("tool-output-available", ("toolCallId", result.CallId), ("output", output));
    }

    protected override bool WriteFile(string url, string mediaType)
    {
        Close();
        AfterResults();
        Write("file", ("url", url), ("mediaType", mediaType));
        return true;
    }

    protected override bool WriteSource(CitationAnnotation source, JsonObject place)
    {
        var id = $"source-{++_sources}";
        var title = UnshownContent.TitleOf(source);
        if (source.Url is { } url)
            Write("source-url", ("sourceId", id), ("url", url.OriginalString), ("title", title));
        else
            Write("source-document", ("sourceId", id), ("mediaType", "text/plain"), ("title", title));
        return true;
    }

    protected override bool WriteApproval(ToolApprovalRequestContent request, FunctionCallContent call)
    {
        if (OpenCalls.All(known => known.CallId != call.CallId))
            Add(call);
        Write("tool-approval-request", ("approvalId", request.RequestId), ("toolCallId", call.CallId));
        return true;
    }

    private static string NameOf(TextKind kind) => kind == TextKind.Reasoning ? "reasoning" : "text";

    /// <summary>Begins a step if the step before it has results, as AI SDK's own server does.</summary>
    private void AfterResults()
    {
        if (_hasResults)
            NextStep();
    }

    private void NextStep()
    {
        _hasCalls = false;
        _hasResults = false;
        Write("finish-step");
        Write("start-step");
    }

    /// <summary>Ends the calls that nobody will run. If the page has no calls to run, a step without calls follows:
    /// after a last step whose calls have all ended, a page with <c>sendAutomaticallyWhen</c> would ask
    /// again.</summary>
    /// <param name="ofPage">The calls that the page has to run.</param>
    /// <param name="why">Error text of the other calls.</param>
    private void EndCalls(IReadOnlyList<FunctionCallContent> ofPage, string why)
    {
        Close();
        foreach (var call in OpenCalls.Except(ofPage))
            Write("tool-output-error", ("toolCallId", call.CallId), ("errorText", why));
        if (_hasCalls && ofPage.Count == 0)
            NextStep();
    }

    /// <summary>Writes the chunks of a part of the client's message.</summary>
    private void Replay(JsonNode? node)
    {
        if (node is not JsonObject part || WireJson.Text(part, "type") is not { } type)
            return;

        if (type is "text" or "reasoning")
        {
            _parts++;
            Write($"{type}-start", ("id", PartId));
            Write($"{type}-delta", ("id", PartId), ("delta", WireJson.Text(part, "text") ?? ""));
            WriteEnd(type, part["providerMetadata"]?.DeepClone());
        }
        else if (type == "step-start")
            Write("start-step");
        // Sources, files and data are chunks as they are.
        else if (!UiMessagesRequestReader.IsTool(type))
            Write(part.DeepClone().AsObject());
        else
        {
            var call = part.DeepClone().AsObject();
            call["toolName"] ??= type["tool-".Length..];
            call["dynamic"] = type == "dynamic-tool";
            Replay(call, WireJson.Text(part, "state"));
        }
    }

    /// <summary>Writes the chunks of a call. Only an open call is sent whole, as <c>tool-input-available</c>, at which
    /// a page runs its tool; any other call is sent as a model writes it.</summary>
    private void Replay(JsonObject call, string? state)
    {
        if (state == "output-error" && call["input"] is null && call["rawInput"] is { } raw)
            Write(As("tool-input-error", call, raw));
        else if (state is not ("input-streaming" or "output-available" or "output-error" or "output-denied"))
            Write(As("tool-input-available", call, call["input"]));
        else
        {
            Write(As("tool-input-start", call, null));
            var input = call["input"]?.ToJsonString() ?? "";
            Write("tool-input-delta", ("toolCallId", call["toolCallId"]?.DeepClone()), ("inputTextDelta", input));
            if (state != "input-streaming")
                Write(As($"tool-{state}", call, null));
        }
    }

    private static JsonObject As(string type, JsonObject call, JsonNode? input)
    {
        var chunk = call.DeepClone().AsObject();
        chunk["type"] = type;
        chunk["input"] = input?.DeepClone();
        return chunk;
    }

    private string FinishReason =>
        Finish switch
        {
            "stop" or "length" => Finish,
            "content_filter" => "content-filter",
            "tool_calls" => "tool-calls",
            _ => "other",
        };

    private JsonObject Metadata()
    {
        var usage = Usage.Counted is { OutputTokenCount: not null } ? Object(UsageOfPage) : null;
        return Known(("model", Model is "" ? null : Model), ("usage", usage));
    }
}
