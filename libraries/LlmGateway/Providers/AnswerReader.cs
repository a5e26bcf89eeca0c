using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers;

/// <summary>Reads the deltas of one answer in the JSON of a vendor's API, and in the variants of servers that claim to
/// be compatible.</summary>
/// <param name="chat">The request's options.</param>
/// <param name="isNative">True if the client uses the same API. Each update then has the provider's event, changed to
/// the vendor's own form.</param>
internal abstract class AnswerReader(ChatOptions? chat, bool isNative) : AnswerDeltas(chat, isNative)
{
    /// <summary>Images and sources that were read: messages in place of deltas repeat them.</summary>
    private readonly HashSet<string> _parts = [];

    /// <summary>Names of lists of sources.</summary>
    protected static readonly string[] Sources = "annotations citations search_results web_search".Split(' ');

    /// <summary>Members of a part of a text that are read.</summary>
    private static readonly string[] OfPart = "text refusal thinking reasoning".Split(' ');

    /// <summary>The members of all usages so far.</summary>
    protected JsonObject Reported { get; } = [];

    /// <exception cref="UpstreamException">The event has a call or a finish reason in an unknown form.</exception>
    public IEnumerable<ChatResponseUpdate> Read(JsonElement data)
    {
        foreach (var one in EventsOf(data))
        {
            var update = Update(ReadEvent(one));
            if (update is not { Contents.Count: 0, RawRepresentation: null })
                yield return update;
        }
    }

    /// <summary>Returns the events that the vendor would stream for an event.</summary>
    protected virtual IEnumerable<JsonElement> EventsOf(JsonElement data) => [data];

    /// <summary>Reads an event, and returns it in the vendor's own form if a client of the same API gets it.</summary>
    protected abstract JsonObject? ReadEvent(JsonElement data);

    /// <summary>Sets members of the usage, which replace earlier values. Anthropic's <c>input_tokens</c> counts only
    /// tokens that are neither read from its cache nor written to it.</summary>
    protected void SetUsage(JsonElement? usage)
    {
        if (usage is null)
            return;
        foreach (var member in usage.Value.EnumerateObject())
            if (member.Value.ValueKind != JsonValueKind.Null)
                Reported[member.Name] = NodeOf(member.Value);

        var read = Number(Reported, "cache_read_input_tokens");
        var cached = (read ?? 0) + (Number(Reported, "cache_creation_input_tokens") ?? 0);
        Usage = new UsageDetails
        {
            InputTokenCount = Number(Reported, "prompt_tokens") ?? Number(Reported, "input_tokens") + cached,
            OutputTokenCount = Number(Reported, "completion_tokens") ?? Number(Reported, "output_tokens"),
            CachedInputTokenCount = Number(Reported["prompt_tokens_details"], "cached_tokens") ?? read,
            ReasoningTokenCount = Number(Reported["completion_tokens_details"], "reasoning_tokens"),
        };
    }

    protected bool SetFinish(JsonElement? reason) => SetFinish(Text(reason) ?? reason?.GetRawText());

    /// <summary>Reads the images and the sources of an event, a choice, a message or a part, and notes its members that
    /// nobody reads.</summary>
    /// <param name="json">The object.</param>
    /// <param name="read">Its members that are read elsewhere.</param>
    /// <param name="isShown">True if the client gets the others as they are.</param>
    protected void ReadMembers(JsonElement json, string[] read, bool isShown)
    {
        foreach (var member in json.EnumerateObject())
        {
            // Most values are blank or numbers, whose names need not be looked at.
            var value = member.Value;
            if (AnswerParts.IsBlank(value))
                continue;
            var name = member.Name;
            if (name is "images" && value.ValueKind == JsonValueKind.Array)
                ReadParts(value, part => AnswerParts.ImageOf(part), NewContents);
            else if (Sources.Contains(name) && value.ValueKind == JsonValueKind.Array)
                ReadParts(value, AnswerParts.CitationOf, NewAnnotations);
            else if (!read.Contains(name) && !AnswerParts.IsHarmless(name, value))
                Skip(name, isShown);
        }
    }

    /// <summary>Reads a text, or a list of parts: <c>[{"type":"text","text":"Hel"}]</c>.</summary>
    protected void ReadText(JsonElement? part, AnswerText text)
    {
        if (part is not { } json)
            return;

        if (json.ValueKind == JsonValueKind.Array)
            foreach (var one in json.EnumerateArray())
                ReadText(one, text);
        else if (Text(json) is { } piece)
            text.Append(piece);
        else if (Get(json, "text") is { } inner)
            ReadText(inner, Text(json, "type") is "reasoning" or "thinking" ? NewReasoning : text);
        else if (Get(json, "refusal") is { } refusal)
            ReadText(refusal, NewRefusal);
        else if ((Get(json, "thinking") ?? Get(json, "reasoning")) is { } thought)
            ReadText(thought, NewReasoning);
        else if (AnswerParts.ImageOf(json) is { } image)
            AddPart(json, image, NewContents);
        else if (!AnswerParts.IsHarmless(Text(json, "type") ?? "", json))
            Skip(Text(json, "type") ?? "a part without type", isShown: false);

        if (OfPart.Any(name => Get(json, name) is not null))
            ReadMembers(json, OfPart, isShown: false);
    }

    protected void ReadParts<T>(JsonElement? parts, Func<JsonElement, T?> read, List<T> to)
        where T : class
    {
        foreach (var part in Items(parts))
            AddPart(part, read(part), to);
    }

    protected void AddPart<T>(JsonElement part, T? known, List<T> to)
        where T : class
    {
        if (known is null)
            Skip(Text(part, "type") ?? "a part without type", IsNative);
        else if (_parts.Add(KeyOf(part, known)))
            to.Add(known);
    }

    /// <summary>Returns what tells a part from others. A source of the whole text is its address: some servers send one
    /// list with titles and one without.</summary>
    private static string KeyOf(JsonElement part, object known) =>
        known is CitationAnnotation { Url: { } url, Snippet: null, AnnotatedRegions: null }
            ? url.OriginalString
            : part.GetRawText();

    protected static JsonElement ObjectOf(JsonElement json, string what) =>
        json.ValueKind == JsonValueKind.Object ? json : throw Unknown(what);

    protected static UpstreamException Unknown(string what) =>
        UpstreamException.Incomplete($"the provider sent a {what} in an unknown form.");

    /// <summary>Copies the members that are not among some.</summary>
    protected static void Copy(JsonElement? from, JsonObject? to, string[] some)
    {
        if (from is { } json && to is not null)
            foreach (var member in json.EnumerateObject())
                if (!some.Contains(member.Name))
                    to[member.Name] = NodeOf(member.Value);
    }
}
