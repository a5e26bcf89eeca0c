using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.Anthropic;

/// <summary>
/// Reads the events of Anthropic's API:
/// <code>
/// {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}
/// </code>
/// </summary>
/// <inheritdoc cref="AnswerReader"/>
internal sealed class AnthropicAnswer(ChatOptions? chat, bool isNative) : AnswerReader(chat, isNative)
{
    /// <summary>Anthropic's blocks and deltas that are read, with the members that its clients require.</summary>
    private static readonly Dictionary<string, (string Name, string? Value)[]> Blocks = new()
    {
        ["text"] = [("text", "")],
        ["thinking"] = [("thinking", ""), ("signature", "")],
        ["redacted_thinking"] = [("data", "")],
        ["tool_use"] = [("input", null)],
        ["text_delta"] = [("text", "")],
        ["thinking_delta"] = [("thinking", "")],
        ["signature_delta"] = [("signature", "")],
        ["input_json_delta"] = [("partial_json", "")],
        ["citations_delta"] = [("citation", null)],
    };

    /// <summary>Numbers of the calls that the provider itself answers, such as <c>server_tool_use</c>.</summary>
    private readonly HashSet<long?> _providersCalls = [];

    private bool _isPassed;

    protected override JsonObject? ReadEvent(JsonElement data)
    {
        var type = Text(data, "type");
        var head = Object(data, "message") ?? data;
        if (type == "message_start" && Id is not null && Text(head, "id") is { } id && id != Id)
        {
            Restart(_isPassed);
            Reported.Clear();
        }

        Id ??= Text(head, "id");
        Model ??= Text(head, "model");
        IsEnded |= type == "message_stop";
        SetUsage(Object(data, "usage") ?? Object(head, "usage"));

        var isShown = IsNative && type is not (null or "message_start" or "message_stop" or "ping");
        var frame = isShown ? NodeOf(data)!.AsObject() : null;
        if (type is null)
            Note(data, ["citations"], isShown: false);
        else
            ReadBlock(type, data, frame);

        _isPassed |= isShown;
        return frame;
    }

    protected override IEnumerable<JsonElement> EventsOf(JsonElement data) =>
        Is(data, "type", "message") ? Streamed(data).Select(ElementOf) : [data];

    /// <summary>Returns the events that Anthropic would stream for a whole answer.</summary>
    private static IEnumerable<JsonObject> Streamed(JsonElement message)
    {
        yield return [new("type", "message_start"), new("message", NodeOf(message))];

        var content = NodeOf(Get(message, "content"));
        foreach (var (index, block) in (content as JsonArray ?? [content]).Index())
        {
            var opening = block?.DeepClone() as JsonObject ?? [new("type", "text"), new("text", block?.DeepClone())];
            var input = (opening["input"] as JsonObject)?.ToJsonString(RunJson.Options);
            if (input is not null)
                opening["input"] = new JsonObject();

            yield return [new("type", "content_block_start"), new("index", index), new("content_block", opening)];
            // Some clients read an input only from deltas.
            JsonObject delta = [new("type", "input_json_delta"), new("partial_json", input)];
            if (input is not null)
                yield return [new("type", "content_block_delta"), new("index", index), new("delta", delta)];
            yield return [new("type", "content_block_stop"), new("index", index)];
        }

        JsonObject end = [new("stop_reason", NodeOf(Get(message, "stop_reason")))];
        end["stop_sequence"] = NodeOf(Get(message, "stop_sequence"));
        yield return [new("type", "message_delta"), new("delta", end)];
        yield return [new("type", "message_stop")];
    }

    /// <summary>Reads an event of Anthropic's API. Events of unknown types may come at any time; their contents are not
    /// read.</summary>
    private void ReadBlock(string type, JsonElement data, JsonObject? frame)
    {
        var index = Number(data, "index");
        var block = Object(data, "content_block") ?? Object(data, "delta");
        var shown = frame?["content_block"] as JsonObject ?? frame?["delta"] as JsonObject;
        if (type is "content_block_start" or "content_block_delta")
            ReadContent(type, index, block ?? throw Unknown("content block"), shown);

        if (type == "content_block_stop")
            Close(index);
        if (type != "message_delta")
            return;

        var reason = Get(block, "stop_reason");
        if (SetFinish(reason))
            shown?["stop_reason"] = StopReason(Text(reason));
        // The client does not get the usage of message_start.
        frame?["usage"] = Reported.DeepClone();
    }

    /// <summary>Reads a content block, or a delta of one, and adds the members that Anthropic's clients
    /// require.</summary>
    private void ReadContent(string type, long? index, JsonElement block, JsonObject? shown)
    {
        var isStart = type == "content_block_start";
        var kind = KindOf(block, isStart);
        shown?["type"] = kind;
        if (isStart && kind.EndsWith("_tool_use", StringComparison.Ordinal))
            _providersCalls.Add(index);

        // The provider itself answers the calls of its own tools, so nobody misses them.
        var isOfProvider = kind.Contains("_tool_", StringComparison.Ordinal);
        if (!Blocks.TryGetValue(kind, out var members) && (IsNative || !isOfProvider))
            Skip(kind, IsNative);

        ReadText(Get(block, "text"), NewText);
        ReadText(Get(block, "thinking"), NewReasoning);
        if (Get(block, "citation") is { } citation)
            AddPart(citation, AnswerParts.CitationOf(citation), NewAnnotations);
        else
            ReadParts(Get(block, "citations"), AnswerParts.CitationOf, NewAnnotations);
        if (kind is "thinking" or "signature_delta" or "redacted_thinking")
            Protect(Text(block, "signature") ?? Text(block, "data"));

        if (kind == "tool_use" && isStart)
        {
            _providersCalls.Remove(index);
            var call = AddToCall(index, Name(block, "id"), Name(block, "name"), "");
            call.Input = NodeOf(Object(block, "input"))?.AsObject();
            shown?["id"] = call.Id;
            shown?["input"] = call.Input?.DeepClone() ?? new JsonObject();
        }
        else if (Text(block, "partial_json") is { } json && !_providersCalls.Contains(index))
            AddToCall(index, id: null, name: null, json);

        foreach (var (name, value) in members ?? [])
            if (shown?[name] is null)
                shown?[name] = value;
    }

    /// <summary>Returns the type of a block or a delta, from its members if it has none.</summary>
    private static string KindOf(JsonElement block, bool isStart)
    {
        var kind = Text(block, "type") ?? (Get(block, "partial_json") is null ? "text" : "input_json");
        return isStart || kind.EndsWith("_delta", StringComparison.Ordinal) ? kind : $"{kind}_delta";
    }

    /// <summary>Returns Anthropic's word for the end, which its clients check.</summary>
    private string StopReason(string? word) =>
        word is "stop_sequence" or "pause_turn" or "compaction" or "model_context_window_exceeded" ? word
        : FinishReason == ChatFinishReason.ToolCalls || word == "tool_use" ? "tool_use"
        : FinishReason == ChatFinishReason.Length ? "max_tokens"
        : FinishReason == ChatFinishReason.ContentFilter ? "refusal"
        : "end_turn";
}
