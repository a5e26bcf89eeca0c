using System.Text;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers;

/// <summary>
/// Reads the deltas of one answer in the JSON of both vendors' APIs, and in the variants of servers that claim to be
/// compatible:
/// <code>
/// {"id":"…","model":"…","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}
/// {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}
/// </code>
/// </summary>
/// <param name="chat">The request's options.</param>
/// <param name="isOpenAi">True for the API of OpenAI, false for Anthropic's.</param>
/// <param name="isNative">True if the client uses the same API. Each update then has the provider's event, changed to
/// the vendor's own form.</param>
internal sealed class AnswerReader(ChatOptions? chat, bool isOpenAi, bool isNative) : AnswerDeltas(chat, isNative)
{
    /// <summary>Number of the call in OpenAI's old member <c>function_call</c>, which has one call and no
    /// number.</summary>
    private const int OnlyCall = -1;

    /// <summary>Members of a message that are read, and written anew for clients of the same API.</summary>
    private static readonly string[] OfMessage =
        "content refusal reasoning_content reasoning thinking tool_calls".Split(' ');

    /// <summary>Members of a message that are read, and that clients of the same API get as they came.</summary>
    private static readonly string[] AsSent = "reasoning_details images annotations citations function_call".Split(' ');

    /// <summary>Members of a call that are read.</summary>
    private static readonly string[] OfCall = "index id type function custom name arguments input".Split(' ');

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

    private readonly JsonObject _usage = [];

    /// <summary>Numbers of the calls that the provider itself answers, such as <c>server_tool_use</c>.</summary>
    private readonly HashSet<long?> _providersCalls = [];

    /// <summary>Images and sources that were read: messages in place of deltas repeat them.</summary>
    private readonly HashSet<string> _parts = [];
    private readonly SaidText _text = new();
    private readonly SaidText _refusal = new();
    private readonly SaidText _reasoning = new();

    private bool _isReasoningNamed;
    private bool _isPassed;

    /// <exception cref="UpstreamException">The event has a call or a finish reason in an unknown form.</exception>
    public IEnumerable<ChatResponseUpdate> Read(JsonObject data) =>
        (!isOpenAi && Text(data, "type") == "message" ? EventsOf(data) : [data])
            .Select(one => Update(ReadEvent(one)))
            .Where(update => update is not { Contents.Count: 0, RawRepresentation: null });

    /// <summary>Reads an event, and returns it if a client of the same API gets it.</summary>
    private JsonObject? ReadEvent(JsonObject data)
    {
        var type = Text(data, "type");
        var choices = Array(data, "choices");
        var choice = choices?.OfType<JsonObject>().FirstOrDefault(one => Number(one, "index") is not > 0);

        var head = Object(data, "message") ?? data;
        if (type == "message_start" && Id is not null && Text(head, "id") is { } id && id != Id)
        {
            Restart(_isPassed);
            _usage.Clear();
        }

        Id ??= Text(head, "id");
        Model ??= Text(head, "model");
        SetUsage(
            Object(data, "usage") ?? Object(head, "usage") ?? Object(data["x_groq"], "usage") ?? Object(choice, "usage")
        );

        IsEnded |= type == "message_stop";
        // What is still held must come, even if the provider gives no reason for the end.
        if (isOpenAi && IsNative && IsEnded && AllCalls.Any(call => call.IsPlaceholder))
            choice = [];

        if (isOpenAi && choice is not null)
            data["choices"] = new JsonArray(ReadChoice(choice));
        else if (isOpenAi && choices is not null)
        {
            if (choices.Any(one => one is not JsonObject))
                Skip("choices", isShown: false);
            choices.Clear();
        }
        else if (isOpenAi ? data["usage"] is null && !IsEnded : type is null)
            Note(data.Where(member => member.Key != "citations"), isShown: false);
        else if (!isOpenAi)
            ReadBlock(type!, data);

        if (isOpenAi)
            ReadParts(data["citations"], AnswerParts.CitationOf, NewAnnotations);

        var isShown = IsNative && (isOpenAi || type is not (null or "message_start" or "message_stop" or "ping"));
        _isPassed |= isShown;
        return isShown ? data : null;
    }

    /// <summary>Reads a choice, and returns it in OpenAI's form.</summary>
    private JsonObject ReadChoice(JsonObject choice)
    {
        var shown = new JsonObject();
        if (choice["delta"] is { } delta)
            ReadMessage(delta as JsonObject ?? throw Unknown("delta"), shown, isWhole: false);
        // An answer without streaming has a message. Some servers send one in place of each delta, with all the text.
        if (choice["message"] is { } message)
            ReadMessage(message as JsonObject ?? throw Unknown("message"), shown, isWhole: true);
        if (choice["text"] is { } text)
            ReadMessage([new("content", text.DeepClone())], shown, isWhole: false);

        var reason = choice["finish_reason"];
        var isEnd = SetFinish(reason);
        if (!IsNative)
            return shown;

        if (isEnd || IsEnded)
            foreach (var call in AllCalls.Where(call => call.IsPlaceholder))
                Append(shown, "tool_calls", CallOf(call, call.TakeHeld()));

        var built = Rest(choice, ["index", "delta", "message", "text", "finish_reason"]);
        built["index"] = 0;
        built["delta"] = shown;
        built["finish_reason"] =
            Text(reason) == "function_call" ? "function_call"
            : isEnd ? FinishReason.Value
            : null;
        return built;
    }

    /// <summary>Reads a delta, or a message in its place.</summary>
    /// <param name="message">The delta.</param>
    /// <param name="shown">Gets what is new, in OpenAI's form, for a client of the same API.</param>
    /// <param name="isWhole">True for a message: it may have the text so far once more.</param>
    private void ReadMessage(JsonObject message, JsonObject shown, bool isWhole)
    {
        var text = NewText.Length;
        var refusal = NewRefusal.Length;
        var reasoning = NewReasoning.Length;
        ReadText(message["content"], NewText);
        if (NewText.Length == text && NewRefusal.Length == refusal)
            ReadText(message["refusal"], NewRefusal);
        // These are the names of DeepSeek, OpenRouter and Ollama. Some servers send two of them.
        foreach (var name in (ReadOnlySpan<string>)["reasoning_content", "reasoning", "thinking"])
            if (NewReasoning.Length == reasoning)
                ReadText(message[name], NewReasoning);
        ReadDetails(message["reasoning_details"], NewReasoning.Length > reasoning);
        ReadParts(message["images"], AnswerParts.ImageOf, NewContents);
        foreach (var name in (ReadOnlySpan<string>)["annotations", "citations"])
            ReadParts(message[name], AnswerParts.CitationOf, NewAnnotations);

        _text.Take(NewText, text, isWhole);
        _refusal.Take(NewRefusal, refusal, isWhole);
        _reasoning.Take(NewReasoning, reasoning, isWhole);

        var calls = message["tool_calls"];
        var list = calls as JsonArray ?? (calls is null ? [] : throw Unknown("tool call"));
        foreach (var (position, one) in list.Index())
            if (one is not null && !(isWhole && IsKnown(one, position)))
                Append(shown, "tool_calls", ReadCall(one as JsonObject ?? throw Unknown("tool call")));

        if (IsNative && message["function_call"] is not null)
            Skip("function_call", isShown: true);
        else if (Object(message, "function_call") is { } old)
            AddToCall(OnlyCall, id: null, Name(old, "name"), old["arguments"]);
        Note(message.Where(one => !OfMessage.Contains(one.Key) && !AsSent.Contains(one.Key)), IsNative);
        if (IsNative)
            Show(message, shown);
    }

    /// <summary>Adds the members of a message to a delta for a client of the same API.</summary>
    private void Show(JsonObject message, JsonObject shown)
    {
        foreach (var (name, value) in Rest(message, OfMessage))
            shown[name] = value?.DeepClone();
        foreach (var image in Items(message["content"]).Where(part => AnswerParts.ImageOf(part) is not null))
            Append(shown, "images", image!.DeepClone());

        if (NewText.Length > 0 || message.ContainsKey("content"))
            shown["content"] = NewText.Length == 0 && message["content"] is null ? null : $"{NewText}";
        if (NewRefusal.Length > 0 || message.ContainsKey("refusal"))
            shown["refusal"] = NewRefusal.Length > 0 ? $"{NewRefusal}" : null;
        foreach (var name in (ReadOnlySpan<string>)["reasoning", "reasoning_content"])
            if (
                NewReasoning.Length > 0
                && (message[name] is not null || (name != "reasoning" && !shown.ContainsKey("reasoning")))
            )
                shown[name] = $"{NewReasoning}";
    }

    /// <summary>Notes members that are not read.</summary>
    private void Note(IEnumerable<KeyValuePair<string, JsonNode?>> members, bool isShown)
    {
        foreach (var (name, value) in members)
            if (!AnswerParts.IsHarmless(name, value))
                Skip(name, isShown);
    }

    /// <summary>Reads a text, or a list of parts: <c>[{"type":"text","text":"Hel"}]</c>.</summary>
    private void ReadText(JsonNode? part, StringBuilder text)
    {
        if (part is JsonArray parts)
            foreach (var one in parts)
                ReadText(one, text);
        else if (Text(part) is { } piece)
            text.Append(piece);
        else if (Get(part, "text") is { } inner)
            ReadText(inner, text);
        else if (Get(part, "refusal") is { } refusal)
            ReadText(refusal, NewRefusal);
        else if ((Get(part, "thinking") ?? Get(part, "reasoning")) is { } thought)
            ReadText(thought, NewReasoning);
        else if (AnswerParts.ImageOf(part) is { } image)
            ReadParts(new JsonArray(part!.DeepClone()), _ => image, NewContents);
        else if (part is not null && !AnswerParts.IsHarmless(Text(part, "type") ?? "", part))
            Skip(Text(part, "type") ?? "a part without type", isShown: false);
    }

    /// <summary>Reads OpenRouter's details of the reasoning: texts, summaries, and what is opaque.</summary>
    private void ReadDetails(JsonNode? details, bool isNamed)
    {
        // The details then have the same text.
        _isReasoningNamed |= isNamed;
        foreach (var detail in Items(details))
        {
            var text = Get(detail, "text") ?? Get(detail, "summary");
            var data = Text(detail, "data") ?? Text(detail, "signature");
            if (!_isReasoningNamed)
                ReadText(text, NewReasoning);
            if (data is not null)
                Protect("reasoning_details", detail!.DeepClone());
            if (
                text is null
                && data is null
                && Text(detail, "type")?.StartsWith("reasoning.", StringComparison.Ordinal) != true
            )
                Skip("reasoning_details", IsNative);
        }
    }

    private void ReadParts<T, TPart>(JsonNode? parts, Func<JsonNode?, TPart?> read, List<T> to)
        where TPart : class, T
    {
        foreach (var part in Items(parts))
            if (read(part) is not { } known)
                Skip(Text(part, "type") ?? "a part without type", IsNative);
            else if (_parts.Add(part!.ToJsonString()))
                to.Add(known);
    }

    /// <summary>Returns true for a call that is known already, of a message with all calls so far.</summary>
    private bool IsKnown(JsonNode call, int position)
    {
        var function = Object(call, "function") ?? call;
        var arguments = Get(function, "arguments");
        return AllCalls.ElementAtOrDefault(position) is { } known
            && known.Name == Name(function, "name")
            && known.HasArguments(Text(arguments) ?? $"{arguments?.ToJsonString()}");
    }

    /// <summary>Reads a delta of a call, and returns it in OpenAI's form: clients tell calls apart by number, and
    /// append whatever a later delta repeats.</summary>
    private JsonObject ReadCall(JsonObject call)
    {
        var custom = Object(call, "custom");
        if (custom is not null && !IsNative)
            throw Unknown("tool call");

        var function = custom ?? Object(call, "function") ?? call;
        var arguments = function["arguments"] ?? function["input"];
        var known = AddToCall(Number(call, "index"), Name(call, "id"), Name(function, "name"), arguments);
        known.TakesText |= custom is not null;

        var kind = known.TakesText ? "custom" : "function";
        var shown = CallOf(known, known.Taken);
        var opaque = Rest(call, OfCall);
        foreach (var (name, value) in opaque)
            shown[name] = value?.DeepClone();
        if (opaque.Any(member => member.Value is not null))
        {
            opaque["id"] = known.Id;
            Protect("tool_calls", opaque);
        }

        foreach (var (name, value) in function == call ? [] : Rest(function, OfCall))
            shown[kind]![name] = value?.DeepClone();
        if (!known.IsShown)
        {
            shown["id"] = known.Id;
            shown["type"] = kind;
            shown[kind]!["name"] = known.Name ?? "";
        }

        return shown;
    }

    private static JsonObject CallOf(ToolCallDelta call, string arguments)
    {
        JsonObject function = [new(call.TakesText ? "input" : "arguments", arguments)];
        return [new("index", call.Ordinal), new(call.TakesText ? "custom" : "function", function)];
    }

    /// <summary>Reads an event of Anthropic's API. Events of unknown types may come at any time; their contents are not
    /// read.</summary>
    private void ReadBlock(string type, JsonObject data)
    {
        var index = Number(data, "index");
        var block = Object(data, "content_block") ?? Object(data, "delta");
        if (type is "content_block_start" or "content_block_delta")
            ReadContent(type, index, block ?? throw Unknown("content block"));

        if (type == "content_block_stop")
            Close(index);
        if (type != "message_delta")
            return;

        if (SetFinish(block?["stop_reason"]))
            block!["stop_reason"] = StopReason(Text(block, "stop_reason"));
        // The client does not get the usage of message_start.
        data["usage"] = _usage.DeepClone();
    }

    /// <summary>Reads a content block, or a delta of one, and adds the members that Anthropic's clients
    /// require.</summary>
    private void ReadContent(string type, long? index, JsonObject block)
    {
        var isStart = type == "content_block_start";
        var kind = KindOf(block, isStart);
        block["type"] = kind;
        if (isStart && kind.EndsWith("_tool_use", StringComparison.Ordinal))
            _providersCalls.Add(index);

        // The provider itself answers the calls of its own tools, so nobody misses them.
        var isOfProvider = kind.Contains("_tool_", StringComparison.Ordinal);
        if (!Blocks.TryGetValue(kind, out var members) && (IsNative || !isOfProvider))
            Skip(kind, IsNative);

        ReadText(block["text"], NewText);
        ReadText(block["thinking"], NewReasoning);
        var citations = block["citation"] is { } one ? new JsonArray(one.DeepClone()) : block["citations"];
        ReadParts(citations, AnswerParts.CitationOf, NewAnnotations);
        if (kind is "thinking" or "signature_delta" or "redacted_thinking")
            Protect(Text(block, "signature") ?? Text(block, "data"));

        if (kind == "tool_use" && isStart)
        {
            _providersCalls.Remove(index);
            var call = AddToCall(index, Name(block, "id"), Name(block, "name"), null);
            call.Input = Object(block, "input");
            block["id"] = call.Id;
            block["input"] = call.Input?.DeepClone() ?? new JsonObject();
        }
        else if (Text(block, "partial_json") is { } json && !_providersCalls.Contains(index))
            AddToCall(index, id: null, name: null, json);

        foreach (var (name, value) in members ?? [])
            block[name] ??= value;
    }

    /// <summary>Returns the type of a block or a delta, from its members if it has none.</summary>
    private static string KindOf(JsonObject block, bool isStart)
    {
        var kind = Text(block, "type") ?? (block["partial_json"] is null ? "text" : "input_json");
        return isStart || kind.EndsWith("_delta", StringComparison.Ordinal) ? kind : $"{kind}_delta";
    }

    /// <summary>Returns Anthropic's word for the end, which its clients check.</summary>
    private string StopReason(string? word) =>
        word is "stop_sequence" or "pause_turn" or "compaction" or "model_context_window_exceeded" ? word
        : FinishReason == ChatFinishReason.ToolCalls || word == "tool_use" ? "tool_use"
        : FinishReason == ChatFinishReason.Length ? "max_tokens"
        : FinishReason == ChatFinishReason.ContentFilter ? "refusal"
        : "end_turn";

    /// <summary>Sets members of the usage, which replace earlier values. Anthropic's <c>input_tokens</c> counts only
    /// tokens that are neither read from its cache nor written to it.</summary>
    private void SetUsage(JsonObject? usage)
    {
        if (usage is null)
            return;
        foreach (var (name, value) in usage)
            if (value is not null)
                _usage[name] = value.DeepClone();

        var read = Number(_usage, "cache_read_input_tokens");
        var cached = (read ?? 0) + (Number(_usage, "cache_creation_input_tokens") ?? 0);
        Usage = new UsageDetails
        {
            InputTokenCount = Number(_usage, "prompt_tokens") ?? Number(_usage, "input_tokens") + cached,
            OutputTokenCount = Number(_usage, "completion_tokens") ?? Number(_usage, "output_tokens"),
            CachedInputTokenCount = Number(_usage["prompt_tokens_details"], "cached_tokens") ?? read,
            ReasoningTokenCount = Number(_usage["completion_tokens_details"], "reasoning_tokens"),
        };
    }

    /// <summary>Returns the events that Anthropic would stream for a whole answer.</summary>
    private static IEnumerable<JsonObject> EventsOf(JsonObject message)
    {
        yield return [new("type", "message_start"), new("message", message)];

        var content = message["content"];
        foreach (var (index, block) in (content as JsonArray ?? [content?.DeepClone()]).Index())
        {
            var opening = block?.DeepClone() as JsonObject ?? [new("type", "text"), new("text", block?.DeepClone())];
            var input = Object(opening, "input")?.ToJsonString(RunJson.Options);
            if (input is not null)
                opening["input"] = new JsonObject();

            yield return [new("type", "content_block_start"), new("index", index), new("content_block", opening)];
            // Some clients read an input only from deltas.
            JsonObject delta = [new("type", "input_json_delta"), new("partial_json", input)];
            if (input is not null)
                yield return [new("type", "content_block_delta"), new("index", index), new("delta", delta)];
            yield return [new("type", "content_block_stop"), new("index", index)];
        }

        JsonObject end = [new("stop_reason", message["stop_reason"]?.DeepClone())];
        end["stop_sequence"] = message["stop_sequence"]?.DeepClone();
        yield return [new("type", "message_delta"), new("delta", end)];
        yield return [new("type", "message_stop")];
    }

    private static UpstreamException Unknown(string what) =>
        Incomplete($"the provider sent a {what} in an unknown form.");

    private static void Append(JsonObject json, string name, JsonNode item)
    {
        if (json[name] is not JsonArray list)
            json[name] = list = [];
        list.Add(item);
    }

    private static JsonArray Items(JsonNode? list) => list as JsonArray ?? [];

    /// <summary>Returns the members that are not among some.</summary>
    private static JsonObject Rest(JsonObject json, string[] some) =>
        new(
            json.Where(member => !some.Contains(member.Key))
                .Select(m => KeyValuePair.Create(m.Key, m.Value?.DeepClone()))
        );
}
