using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;
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
internal sealed class UiMessagesWriter(RunHead run, JsonObject? continued, bool replays = false) : IAnswerWriter
{
    private readonly UsageDetails _usage = new();
    private readonly ClientCalls _calls = new();
    private readonly MessageBreaks _breaks = new();
    private bool _hasCalls;
    private bool _hasResults;
    private string _finish = "stop";
    private (string Kind, string Id)? _open;
    private int _parts;

    public string Model { get; private set; } = run.Model ?? "";

    public IReadOnlyList<JsonObject> Start()
    {
        var start = Event("start", ("messageId", (string?)continued?["id"] ?? run.Name.Id));
        if (replays && continued?["metadata"] is { } metadata)
            start["messageMetadata"] = metadata.DeepClone();
        var earlier = replays && continued?["parts"] is JsonArray parts ? parts.SelectMany(Replay) : [];
        return [start, .. earlier, Event("start-step")];
    }

    public IReadOnlyList<JsonObject> Next(ChatResponseUpdate update)
    {
        Model = update.ModelId ?? Model;
        _finish = update.FinishReason?.Value ?? _finish;
        List<JsonObject> ended = _breaks.IsBefore(update) ? Close() : [];
        return [.. ended, .. update.Contents.SelectMany(Next)];
    }

    public IReadOnlyList<JsonObject> End() =>
        _finish == GenerationEvents.Cancelled
            ?
            [
                .. EndCalls([], "The answer was cancelled."),
                Event("message-metadata", ("messageMetadata", Metadata())),
                Event("abort", ("reason", "cancelled")),
            ]
            :
            [
                .. EndCalls(_calls.AtEnd(_finish), "The answer was cut."),
                Event("finish-step"),
                Event("finish", ("finishReason", Finish()), ("messageMetadata", Metadata())),
            ];

    public IReadOnlyList<JsonObject> Fail(VendorError error) =>
        [.. EndCalls([], "The answer failed."), UiMessagesFormat.Instance.Body(error)];

    private IEnumerable<JsonObject> Next(AIContent content)
    {
        switch (content)
        {
            case TextContent { Text.Length: > 0 } text:
                return Delta("text", text.Text);
            case TextReasoningContent { Text.Length: > 0 } reasoning:
                return Delta("reasoning", reasoning.Text);
            case FunctionCallContent call:
                List<JsonObject> before = [.. Close(), .. AfterResults()];
                _calls.Add(call);
                _hasCalls = true;
                return [.. before, Input(call)];

            case FunctionResultContent result:
                _calls.Answer(result);
                _hasResults = true;
                return
                [
                    .. Close(),
                    Event(
                        "tool-output-available",
                        ("toolCallId", result.CallId),
                        ("output", ToolCalls.InputOrText(ToolCalls.Result(result)))
                    ),
                ];

            case DataContent file:
                return [.. Close(), .. AfterResults(), Event("file", ("url", file.Uri), ("mediaType", file.MediaType))];
            case UsageContent usage:
                _usage.Add(usage.Details);
                return [];
            default:
                return [];
        }
    }

    private IEnumerable<JsonObject> Delta(string kind, string delta)
    {
        if (_open?.Kind != kind)
        {
            foreach (var end in (List<JsonObject>)[.. Close(), .. AfterResults()])
                yield return end;
            _open = (kind, $"{++_parts}");
            yield return Event($"{kind}-start", ("id", _open.Value.Id));
        }

        yield return Event($"{kind}-delta", ("id", _open.Value.Id), ("delta", delta));
    }

    private List<JsonObject> Close()
    {
        if (_open is not var (kind, id))
            return [];

        _open = null;
        return [Event($"{kind}-end", ("id", id))];
    }

    /// <summary>Begins a step if the step before it has results, as AI SDK's own server does.</summary>
    private List<JsonObject> AfterResults() => _hasResults ? NextStep() : [];

    private List<JsonObject> NextStep()
    {
        _hasCalls = false;
        _hasResults = false;
        return [Event("finish-step"), Event("start-step")];
    }

    /// <summary>Ends the calls that nobody will run. If the page has no calls to run, a step without calls follows:
    /// after a last step whose calls have all ended, a page with <c>sendAutomaticallyWhen</c> would ask
    /// again.</summary>
    /// <param name="ofPage">The calls that the page has to run.</param>
    /// <param name="why">Error text of the other calls.</param>
    private List<JsonObject> EndCalls(IReadOnlyList<FunctionCallContent> ofPage, string why)
    {
        var chunks = Close();
        foreach (var call in _calls.Open.Except(ofPage))
            chunks.Add(Event("tool-output-error", ("toolCallId", call.CallId), ("errorText", why)));
        if (_hasCalls && ofPage.Count == 0)
            chunks.AddRange(NextStep());
        return chunks;
    }

    private static JsonObject Input(FunctionCallContent call)
    {
        var input = ToolCalls.InputOrText(call);
        return input is JsonObject
            ? Event("tool-input-available", ("toolCallId", call.CallId), ("toolName", call.Name), ("input", input))
            : Event(
                "tool-input-error",
                ("toolCallId", call.CallId),
                ("toolName", call.Name),
                ("input", input),
                ("errorText", "The model's arguments are not a JSON object.")
            );
    }

    /// <summary>Makes the chunks of a part of the client's message.</summary>
    private IEnumerable<JsonObject> Replay(JsonNode? node)
    {
        if (node is not JsonObject part || WireJson.Text(part, "type") is not { } type)
            return [];
        if (type is "text" or "reasoning")
            return [.. Delta(type, WireJson.Text(part, "text") ?? ""), .. Close()];
        if (type == "step-start")
            return [Event("start-step")];
        // Sources, files and data are chunks as they are.
        if (!UiMessagesRequestReader.IsTool(type))
            return [part.DeepClone().AsObject()];

        var call = part.DeepClone().AsObject();
        call["toolName"] ??= type["tool-".Length..];
        call["dynamic"] = type == "dynamic-tool";
        return Replay(call, WireJson.Text(part, "state"));
    }

    /// <summary>Makes the chunks of a call. Only an open call is sent whole, as <c>tool-input-available</c>, at which a
    /// page runs its tool; any other call is sent as a model writes it.</summary>
    private static List<JsonObject> Replay(JsonObject call, string? state)
    {
        if (state == "output-error" && call["input"] is null && call["rawInput"] is { } raw)
            return [As("tool-input-error", call, raw)];
        if (state is not ("input-streaming" or "output-available" or "output-error" or "output-denied"))
            return [As("tool-input-available", call, call["input"])];

        var written = Event(
            "tool-input-delta",
            ("toolCallId", call["toolCallId"]?.DeepClone()),
            ("inputTextDelta", call["input"]?.ToJsonString() ?? "")
        );
        List<JsonObject> chunks = [As("tool-input-start", call, null), written];
        if (state != "input-streaming")
            chunks.Add(As($"tool-{state}", call, null));
        return chunks;
    }

    private static JsonObject As(string type, JsonObject call, JsonNode? input)
    {
        var chunk = call.DeepClone().AsObject();
        chunk["type"] = type;
        chunk["input"] = input?.DeepClone();
        return chunk;
    }

    private string Finish() =>
        _finish switch
        {
            "stop" or "length" => _finish,
            "content_filter" => "content-filter",
            "tool_calls" => "tool-calls",
            _ => "other",
        };

    private JsonObject Metadata()
    {
        var metadata = new JsonObject();
        if (Model.Length > 0)
            metadata["model"] = Model;

        if (_usage.OutputTokenCount is not null)
            metadata["usage"] = new JsonObject
            {
                ["inputTokens"] = _usage.InputTokenCount,
                ["outputTokens"] = _usage.OutputTokenCount,
                ["totalTokens"] = _usage.TotalTokenCount,
                ["reasoningTokens"] = _usage.ReasoningTokenCount,
                ["cachedInputTokens"] = _usage.CachedInputTokenCount,
            };

        return metadata;
    }
}
