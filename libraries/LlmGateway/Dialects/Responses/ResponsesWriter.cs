using System.Text;
using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;
using static LlmGateway.Dialects.Responses.ResponsesItems;
using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.Responses;

/// <summary>
/// Makes the events of a response, and the response as it is after these events. Each item of the output is announced,
/// grows, and is done:
/// <code>
/// response.created, response.in_progress
/// response.output_item.added, response.content_part.added, response.output_text.delta …, response.output_text.done,
///   response.content_part.done, response.output_item.done
/// response.completed, or response.incomplete; after a failure: error
/// </code>
/// No other types are sent, except those of refusals, reasoning and tool calls, because OpenAI's JavaScript client
/// fails at any other type.
/// </summary>
internal sealed class ResponsesWriter(RunHead run, RunPrompt? prompt) : IAnswerWriter, IJoinedAnswer
{
    /// <summary>Defaults of the members that a response repeats from its request.</summary>
    private const string Unasked = """
        {"background":false,"instructions":null,"metadata":{},"parallel_tool_calls":true,"store":true,
        "temperature":null,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":null,
        "truncation":"disabled"}
        """;

    private readonly List<JsonObject> _done = [];
    private readonly StringBuilder _text = new();

    /// <summary>Calls become items only at the end, because the application itself may answer a call until
    /// then.</summary>
    private readonly ClientCalls _calls = new();

    private readonly MessageBreaks _breaks = new();
    private TextItem? _open;
    private string _status = "in_progress";
    private string? _finish;
    private VendorError? _error;
    private UsageDetails? _usage;
    private long _next;

    public string Model { get; private set; } = run.Model ?? "";

    public long Bytes { get; private set; }

    private string ItemId(string prefix) => $"{prefix}_{run.Name.Id}_{_done.Count}";

    public IReadOnlyList<JsonObject> Start() => [State("response.created"), State("response.in_progress")];

    public IReadOnlyList<JsonObject> Next(ChatResponseUpdate update)
    {
        Model = update.ModelId ?? Model;
        var events = new List<JsonObject>();
        if (_breaks.IsBefore(update))
            Close(events);

        foreach (var content in update.Contents)
            switch (content)
            {
                case TextContent { Text.Length: > 0 } text:
                    Append(text.IsRefusal() ? TextItem.Refusal : TextItem.Message, text.Text, events);
                    break;
                case TextReasoningContent { Text.Length: > 0 } reasoning:
                    Append(TextItem.Reasoning, reasoning.Text, events);
                    break;
                case FunctionCallContent call:
                    Close(events);
                    _calls.Add(call);
                    break;
                case FunctionResultContent result:
                    _calls.Answer(result);
                    break;
                case UsageContent usage:
                    (_usage ??= new UsageDetails()).Add(usage.Details);
                    break;
            }

        _finish = update.FinishReason?.Value ?? _finish;
        return events;
    }

    /// <exception cref="UpstreamException">The arguments of a call are not a JSON object. Microsoft's client would run
    /// the tool without them, whatever the status of the item is.</exception>
    public IReadOnlyList<JsonObject> End()
    {
        var calls = _calls.AtEnd(_finish);
        foreach (var call in calls)
            if (ToolCalls.Arguments(call) is { Length: > 0 } arguments && ToolCalls.Object(arguments) is null)
                throw ToolCalls.NoObject(call);

        _status = _finish switch
        {
            GenerationEvents.Cancelled => "cancelled",
            "length" or "content_filter" => "incomplete",
            _ => "completed",
        };

        var events = new List<JsonObject>();
        Close(events);
        foreach (var call in calls)
            Call(call, events);
        _usage ??= new UsageDetails();
        // The API has no event type for a cancelled response.
        events.Add(State(_status == "completed" ? "response.completed" : "response.incomplete"));
        return events;
    }

    /// <summary>Returns an <c>error</c> instead of <c>response.failed</c>, which some clients take for a normal end.
    /// The event has the error twice: some clients read its members, others its object <c>error</c>.</summary>
    public IReadOnlyList<JsonObject> Fail(VendorError error)
    {
        var failed = Event(
            "error",
            ("code", error.Code),
            ("message", error.Message),
            ("param", null),
            ("error", OpenAiError.Members(error))
        );

        _status = "failed";
        _error = error;
        Close([]); // in the state only: nothing follows an error
        return [failed];
    }

    public IJoinedAnswer Join() => this;

    void IJoinedAnswer.Add(JsonObject frame) { } // the response is made of the updates themselves

    /// <summary>Returns the response as it is now.</summary>
    public JsonObject ToJson()
    {
        var response = Object(
            ("id", ResponseId.Of(run.Name)),
            ("object", "response"),
            ("created_at", run.CreatedAt.ToUnixTimeSeconds()),
            ("status", _status),
            ("error", _error is { } e ? Object(("code", e.Code ?? "server_error"), ("message", e.Message)) : null),
            ("incomplete_details", _status == "incomplete" ? Object(("reason", Reason)) : null),
            ("model", Model),
            ("output", Output()),
            ("previous_response_id", prompt?.Previous is { } previous ? ResponseId.Prefix + previous : null),
            ("usage", Usage())
        );
        foreach (var (name, value) in JsonNode.Parse(Unasked)!.AsObject())
            response[name] = value?.DeepClone();
        foreach (var (name, value) in (prompt?.Dialect == ResponsesFormat.Name ? prompt.Asked : null) ?? [])
            response[name] = value?.DeepClone();

        return response;
    }

    private string Reason => _finish == "length" ? "max_output_tokens" : "content_filter";

    private void Append(TextItem kind, string text, List<JsonObject> events)
    {
        if (_open != kind)
        {
            Close(events);
            _open = kind;
            events.Add(ItemEvent("added", kind.Item(ItemId(kind.Prefix), _status, parts: [])));
            events.Add(PartEvent(kind.Part + ".added", "part", kind.Content("")));
        }

        _text.Append(text);
        Bytes += sizeof(char) * text.Length;
        events.Add(PartEvent(kind.Text + ".delta", "delta", text));
    }

    private void Call(FunctionCallContent call, List<JsonObject> events)
    {
        var arguments = ToolCalls.Arguments(call);
        Bytes += sizeof(char) * arguments.Length;
        var id = ItemId("fc");
        events.Add(ItemEvent("added", Item("in_progress", "")));
        events.Add(ArgumentsEvent("delta", "delta"));
        events.Add(ArgumentsEvent("done", "arguments"));

        var item = Item("completed", arguments);
        events.Add(ItemEvent("done", item));
        _done.Add(item);

        JsonObject Item(string status, string written) => ResponsesItems.Call(id, status, call, written);

        JsonObject ArgumentsEvent(string step, string member) =>
            Event(
                $"response.function_call_arguments.{step}",
                ("item_id", id),
                ("output_index", _done.Count),
                (member, arguments)
            );
    }

    /// <summary>Ends the open item, if there is one.</summary>
    private void Close(List<JsonObject> events)
    {
        if (_open is not { } kind)
            return;

        events.Add(PartEvent(kind.Text + ".done", kind.Member, _text.ToString()));
        events.Add(PartEvent(kind.Part + ".done", "part", kind.Content(_text.ToString())));
        var item = OpenItem(_status is "in_progress" or "completed" ? "completed" : "incomplete");
        events.Add(ItemEvent("done", item));

        _done.Add(item);
        _text.Clear();
        _open = null;
    }

    private JsonObject OpenItem(string status) =>
        _open!.Item(ItemId(_open.Prefix), status, new JsonArray(_open.Content(_text.ToString())));

    /// <summary>Returns all items, since a client takes the items of the last event as the whole output.</summary>
    private JsonArray Output()
    {
        var output = new JsonArray([.. _done.Select(item => item.DeepClone())]);
        if (_open is not null)
            output.Add((JsonNode)OpenItem(_status));
        return output;
    }

    private JsonObject? Usage() =>
        _usage is { } usage
            ? Object(
                ("input_tokens", usage.InputTokenCount ?? 0),
                ("input_tokens_details", Object(("cached_tokens", usage.CachedInputTokenCount ?? 0))),
                ("output_tokens", usage.OutputTokenCount ?? 0),
                ("output_tokens_details", Object(("reasoning_tokens", usage.ReasoningTokenCount ?? 0))),
                ("total_tokens", usage.TotalTokenCount ?? usage.InputTokenCount + usage.OutputTokenCount ?? 0)
            )
            : null;

    private JsonObject State(string type) => Event(type, ("response", ToJson()));

    private JsonObject ItemEvent(string step, JsonObject item) =>
        Event($"response.output_item.{step}", ("output_index", _done.Count), ("item", item.DeepClone()));

    private JsonObject PartEvent(string type, string member, JsonNode value) =>
        Event(
            type,
            ("item_id", ItemId(_open!.Prefix)),
            ("output_index", _done.Count),
            (_open.Index, 0),
            (member, value)
        );

    private JsonObject Event(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        VendorFrame.Event(type, [("sequence_number", _next++), .. members]);

    /// <summary>A kind of item that has one text, with the names of its events.</summary>
    private sealed record TextItem(string Prefix, string Text, string Part, string Index, string Member = "text")
    {
        public static readonly TextItem Message = new(
            "msg",
            "response.output_text",
            "response.content_part",
            "content_index"
        );

        public static readonly TextItem Refusal = new(
            "msg",
            "response.refusal",
            "response.content_part",
            "content_index",
            "refusal"
        );

        /// <summary>Reasoning as a summary, because only some clients show the other form of reasoning.</summary>
        public static readonly TextItem Reasoning = new(
            "rs",
            "response.reasoning_summary_text",
            "response.reasoning_summary_part",
            "summary_index"
        );

        public JsonObject Content(string text) =>
            this == Message ? OutputText(text)
            : this == Refusal ? RefusalPart(text)
            : Object(("type", "summary_text"), ("text", text));

        public JsonObject Item(string id, string status, JsonArray parts) =>
            this != Reasoning
                ? ResponsesItems.Message(id, status, "assistant", parts)
                : Object(("id", id), ("type", "reasoning"), ("status", status), ("summary", parts));
    }
}
