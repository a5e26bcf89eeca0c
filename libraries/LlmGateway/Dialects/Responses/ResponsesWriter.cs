using System.Text;
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
internal sealed class ResponsesWriter(RunHead run, RunPrompt? prompt) : AnswerWriter(Format, run)
{
    /// <summary>Defaults of the members that a response repeats from its request.</summary>
    private const string Unasked = """
        {"background":false,"instructions":null,"metadata":{},"parallel_tool_calls":true,"store":true,
        "temperature":null,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":null,
        "truncation":"disabled"}
        """;

    private readonly List<JsonObject> _done = [];
    private readonly StringBuilder _text = new();

    private JsonArray _sources = [];
    private string _status = "in_progress";
    private VendorError? _error;
    private long _next;

    /// <summary>The question of the run, or null if the run has none.</summary>
    public RunPrompt? Prompt => prompt;

    /// <summary>The members of the request that the response repeats, or null if the request was of another
    /// API.</summary>
    public JsonObject? Asked => prompt?.Dialect == ResponseId.Dialect ? prompt.Asked : null;

    public static VendorFormat Format { get; } =
        new("OpenAI", "https://platform.openai.com/docs/api-reference/responses", OpenAiError.Body) { HasNames = true };

    protected override bool HasRefusals => true;

    /// <summary>Makes the writer of an application's run. Its response says <c>background</c>, because such a run goes
    /// on without its reader, and a client that polls stops at any other response.</summary>
    public static ResponsesWriter OfOwn(RunHead run) =>
        new(run, new RunPrompt(ResponseId.Dialect, [], Asked: new JsonObject { ["background"] = true }));

    private string ItemId(string prefix) => $"{prefix}_{Run.Name.Id}_{_done.Count}";

    /// <summary>Returns the response as it is now. It is made of the updates themselves.</summary>
    public override JsonObject ToJson()
    {
        var response = Object(
            ("id", ResponseId.Of(Run.Name)),
            ("object", "response"),
            ("created_at", Run.CreatedAt.ToUnixTimeSeconds()),
            ("status", _status),
            ("error", _error is { } e ? Object(("code", e.Code ?? "server_error"), ("message", e.Message)) : null),
            ("incomplete_details", _status == "incomplete" ? Object(("reason", Reason)) : null),
            ("model", Model),
            ("output", Output()),
            ("previous_response_id", prompt?.Previous is { } previous ? ResponseId.Prefix + previous : null),
            ("usage", UsageNow())
        );
        foreach (var (name, value) in JsonNode.Parse(Unasked)!.AsObject())
            response[name] = value?.DeepClone();
        foreach (var (name, value) in Asked ?? [])
            response[name] = value?.DeepClone();

        return response;
    }

    protected override void WriteStart()
    {
        WriteState("response.created");
        WriteState("response.in_progress");
    }

    protected override void WriteEnd()
    {
        _status = Finish switch
        {
            GenerationEvents.Cancelled => "cancelled",
            "length" or "content_filter" => "incomplete",
            _ => "completed",
        };

        WritePending();
        // The API has no event type for a cancelled response.
        WriteState(_status == "completed" ? "response.completed" : "response.incomplete");
    }

    /// <summary>Writes an <c>error</c> instead of <c>response.failed</c>, which some clients take for a normal end. The
    /// event has the error twice: some clients read its members, others its object <c>error</c>.</summary>
    protected override void WriteFailure(VendorError error)
    {
        WriteEvent(
            "error",
            ("code", error.Code),
            ("message", error.Message),
            ("param", null),
            ("error", OpenAiError.Members(error))
        );
        _status = "failed";
        _error = error;
    }

    protected override void WriteOpening(TextKind kind)
    {
        WriteItem("added", ItemOf(kind, _status, parts: []));
        WritePart(kind, $"{PartType(kind)}.added", "part", PartOf(kind, ""));
    }

    protected override void WriteText(TextKind kind, string text)
    {
        _text.Append(text);
        Bytes += sizeof(char) * text.Length;
        WritePart(kind, $"{TextType(kind)}.delta", "delta", text);
    }

    /// <summary>Adds a source to the open part, which is sent when it is done: OpenAI's clients know no event for
    /// it.</summary>
    protected override bool WriteSource(CitationAnnotation source, JsonObject place)
    {
        if (Open != TextKind.Answer || source.Url is null)
            return false;

        place["type"] = "url_citation";
        _sources.Add((JsonNode)place);
        return true;
    }

    protected override void WriteClosing(TextKind kind)
    {
        var text = _text.ToString();
        var item = OpenItem(kind, _status is "in_progress" or "completed" ? "completed" : "incomplete");
        if (kind == TextKind.Reasoning && Signature is { } signature)
            item["encrypted_content"] = signature;
        WritePart(kind, $"{TextType(kind)}.done", kind == TextKind.Refusal ? "refusal" : "text", text);
        WritePart(kind, $"{PartType(kind)}.done", "part", PartOf(kind, text));
        WriteItem("done", item);

        _done.Add(item);
        _text.Clear();
        _sources = [];
    }

    protected override void WriteCall(FunctionCallContent call)
    {
        var arguments = ToolCalls.Arguments(call);
        Bytes += sizeof(char) * arguments.Length;
        var id = ItemId("fc");
        WriteItem("added", Item("in_progress", ""));
        WriteArguments("delta", "delta");
        WriteArguments("done", "arguments");

        var item = Item("completed", arguments);
        WriteItem("done", item);
        _done.Add(item);

        JsonObject Item(string status, string written) => ResponsesItems.Call(id, status, call, written);

        void WriteArguments(string step, string member) =>
            WriteEvent(
                $"response.function_call_arguments.{step}",
                ("item_id", id),
                ("output_index", _done.Count),
                (member, arguments)
            );
    }

    private string Reason => Finish == "length" ? "max_output_tokens" : "content_filter";

    private JsonObject OpenItem(TextKind kind, string status) =>
        ItemOf(kind, status, new JsonArray(PartOf(kind, _text.ToString())));

    /// <summary>Returns all items, since a client takes the items of the last event as the whole output.</summary>
    private JsonArray Output()
    {
        var output = new JsonArray([.. _done.Select(item => item.DeepClone())]);
        if (Open is { } kind)
            output.Add((JsonNode)OpenItem(kind, _status == "in_progress" ? _status : "incomplete"));
        return output;
    }

    private JsonObject? UsageNow() =>
        Usage.Counted is null && _status is "in_progress" or "failed"
            ? null
            : Object(
                ("input_tokens", Usage.Input),
                ("input_tokens_details", Object(("cached_tokens", Usage.Cached ?? 0))),
                ("output_tokens", Usage.Output),
                ("output_tokens_details", Object(("reasoning_tokens", Usage.Reasoning ?? 0))),
                ("total_tokens", Usage.Counted?.TotalTokenCount ?? Usage.Input + Usage.Output)
            );

    private void WriteState(string type) => WriteEvent(type, ("response", ToJson()));

    private void WriteItem(string step, JsonObject item) =>
        WriteEvent($"response.output_item.{step}", ("output_index", _done.Count), ("item", item.DeepClone()));

    private void WritePart(TextKind kind, string type, string member, JsonNode value) =>
        WriteEvent(
            type,
            ("item_id", ItemId(PrefixOf(kind))),
            ("output_index", _done.Count),
            (kind == TextKind.Reasoning ? "summary_index" : "content_index", 0),
            (member, value)
        );

    private void WriteEvent(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        Write(type, [("sequence_number", _next++), .. members]);

    private static string PrefixOf(TextKind kind) => kind == TextKind.Reasoning ? "rs" : "msg";

    /// <summary>Returns the type of the events of a text. Reasoning is a summary, because only some clients show the
    /// other form of reasoning.</summary>
    private static string TextType(TextKind kind) =>
        kind switch
        {
            TextKind.Refusal => "response.refusal",
            TextKind.Reasoning => "response.reasoning_summary_text",
            _ => "response.output_text",
        };

    private static string PartType(TextKind kind) =>
        kind == TextKind.Reasoning ? "response.reasoning_summary_part" : "response.content_part";

    private JsonObject PartOf(TextKind kind, string text) =>
        kind switch
        {
            TextKind.Refusal => RefusalPart(text),
            TextKind.Reasoning => Object(("type", "summary_text"), ("text", text)),
            _ => OutputText(text, _sources.DeepClone()),
        };

    private JsonObject ItemOf(TextKind kind, string status, JsonArray parts)
    {
        var id = ItemId(PrefixOf(kind));
        return kind == TextKind.Reasoning
            ? Object(("id", id), ("type", "reasoning"), ("status", status), ("summary", parts))
            : Message(id, status, "assistant", parts);
    }
}
