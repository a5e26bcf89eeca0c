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

    /// <summary>Members of a block or a delta that are read.</summary>
    private static readonly string[] OfBlock = "text thinking data citation name input partial_json".Split(' ');

    private readonly List<Block> _open = [];
    private int _count;

    /// <summary>The current block's number, which no other block of the answer has.</summary>
    private int _number;

    /// <summary>Numbers of the calls that the provider itself answers, such as <c>server_tool_use</c>.</summary>
    private readonly HashSet<int> _providersCalls = [];

    private bool _isPassed;

    protected override JsonObject? ReadEvent(JsonElement data)
    {
        var type = Text(data, "type");
        var head = Object(data, "message") ?? data;
        if (type == "message_start" && Id is not null && Text(head, "id") is { } id && id != Id)
        {
            Restart(_isPassed);
            Reported.Clear();
            _open.Clear();
            _count = 0;
        }

        Id ??= Text(head, "id");
        Model ??= Text(head, "model");
        IsEnded |= type == "message_stop";
        SetUsage(Object(data, "usage") ?? Object(head, "usage"));

        var isShown = IsNative && type is not (null or "message_start" or "message_stop" or "ping");
        var frame = isShown ? NodeOf(data)!.AsObject() : null;
        if (type is null)
            ReadMembers(data, [], isShown: false);
        else
            ReadBlock(type, data, frame);

        _isPassed |= isShown;
        return frame;
    }

    protected override IEnumerable<JsonElement> EventsOf(JsonElement data)
    {
        var isWhole = Is(data, "type", "message");
        var message = isWhole || !Is(data, "type", "message_start") ? data : Object(data, "message");
        var isStreamed = !isWhole && (Get(message, "content") is not { } content || AnswerParts.IsBlank(content));
        return (isStreamed ? [data] : Streamed(message!.Value, isWhole).Select(ElementOf)).SelectMany(Numbered);
    }

    /// <summary>Returns the events that Anthropic would stream for an event: each block has a beginning and an end, and
    /// a number of its own, which becomes the current one.</summary>
    private IEnumerable<JsonElement> Numbered(JsonElement data)
    {
        var type = Text(data, "type");
        var isEnd = type == "message_delta" && Get(Object(data, "delta"), "stop_reason") is not null;
        while (_open.Count > 0 && (isEnd || type == "message_stop"))
            yield return Stop(_open[0]);

        if (type is not ("content_block_start" or "content_block_delta" or "content_block_stop"))
        {
            yield return data;
            yield break;
        }

        // An event without a number belongs to the last block.
        var sent = Number(data, "index");
        var block = _open.FindLast(known => sent is null || known.Sent is null || known.Sent == sent);
        if (type == "content_block_stop")
            Close(block?.Own);
        if (type != "content_block_delta" && block is not null)
            yield return Stop(block);
        if (type == "content_block_stop")
            yield break;

        var isNew = type == "content_block_start" || block is null;
        if (isNew)
            _open.Add(block = new Block(sent, _count++));
        _number = block!.Own;
        if (isNew && type == "content_block_delta")
            yield return Start(Object(data, "delta") ?? throw Unknown("content block"));
        yield return data;
    }

    /// <summary>Returns the beginning of a block whose provider has sent only a delta.</summary>
    private static JsonElement Start(JsonElement delta)
    {
        var type = KindOf(delta, isStart: false) switch
        {
            "thinking_delta" or "signature_delta" => "thinking",
            "input_json_delta" => "tool_use",
            _ => "text",
        };
        return ElementOf(Typed("content_block_start", ("content_block", Typed(type))));
    }

    private JsonElement Stop(Block block)
    {
        _open.Remove(block);
        _number = block.Own;
        return ElementOf(Typed("content_block_stop"));
    }

    /// <summary>Returns the events that Anthropic would stream for a whole answer, or for the beginning of
    /// one.</summary>
    private static IEnumerable<JsonObject> Streamed(JsonElement message, bool isWhole)
    {
        yield return Typed("message_start", ("message", NodeOf(message)));

        var content = NodeOf(Get(message, "content"));
        foreach (var (index, block) in (content as JsonArray ?? [content]).Index())
        {
            var opening = block?.DeepClone() as JsonObject ?? Typed("text", ("text", block?.DeepClone()));
            var input = (opening["input"] as JsonObject)?.ToJsonString(RunJson.Options);
            if (input is not null)
                opening["input"] = new JsonObject();

            yield return Typed("content_block_start", ("index", index), ("content_block", opening));
            // Some clients read an input only from deltas.
            var delta = Typed("input_json_delta", ("partial_json", input));
            if (input is not null)
                yield return Typed("content_block_delta", ("index", index), ("delta", delta));
            yield return Typed("content_block_stop", ("index", index));
        }

        if (!isWhole)
            yield break;

        var (reason, sequence) = (NodeOf(Get(message, "stop_reason")), NodeOf(Get(message, "stop_sequence")));
        yield return Typed("message_delta", ("delta", Object(("stop_reason", reason), ("stop_sequence", sequence))));
        yield return Typed("message_stop");
    }

    /// <summary>Reads an event of Anthropic's API. Events of unknown types may come at any time; their contents are not
    /// read.</summary>
    private void ReadBlock(string type, JsonElement data, JsonObject? frame)
    {
        if (type.StartsWith("content_block_", StringComparison.Ordinal))
            frame?["index"] = _number;
        var block = Object(data, "content_block") ?? Object(data, "delta");
        var shown = frame?["content_block"] as JsonObject ?? frame?["delta"] as JsonObject;
        if (type is "content_block_start" or "content_block_delta")
            ReadContent(type, block ?? throw Unknown("content block"), shown);
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
    private void ReadContent(string type, JsonElement block, JsonObject? shown)
    {
        var isStart = type == "content_block_start";
        var kind = KindOf(block, isStart);
        shown?["type"] = kind;
        if (isStart && kind.EndsWith("_tool_use", StringComparison.Ordinal))
            _providersCalls.Add(_number);

        // The provider itself answers the calls of its own tools, so nobody misses them.
        var isOfProvider = kind.Contains("_tool_", StringComparison.Ordinal);
        if (!Blocks.TryGetValue(kind, out var members) && (IsNative || !isOfProvider))
            Skip(kind, IsNative);
        else if (members is not null)
            ReadMembers(block, OfBlock, IsNative);

        ReadText(Get(block, "text"), NewText);
        ReadText(Get(block, "thinking"), NewReasoning);
        if (Get(block, "citation") is { } citation)
            AddPart(citation, AnswerParts.CitationOf(citation), NewAnnotations);
        if (kind is "thinking" or "signature_delta" or "redacted_thinking")
            Protect(Text(block, "signature") ?? Text(block, "data"));

        if (kind == "tool_use" && isStart)
        {
            var call = AddToCall(_number, Name(block, "id"), Name(block, "name"), "");
            call.Input = NodeOf(Object(block, "input"))?.AsObject();
            shown?["id"] = call.Id;
            shown?["input"] = call.Input?.DeepClone() ?? new JsonObject();
        }
        else if (Text(block, "partial_json") is { } json && !_providersCalls.Contains(_number))
            AddToCall(_number, id: null, name: null, json);

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

    /// <summary>An open block.</summary>
    /// <param name="Sent">The provider's number.</param>
    /// <param name="Own">The number in the answer.</param>
    private sealed record Block(long? Sent, int Own);
}
