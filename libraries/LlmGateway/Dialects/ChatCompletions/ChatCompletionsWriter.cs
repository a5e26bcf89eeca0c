using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.ChatCompletions;

/// <summary>
/// Makes chunks in OpenAI's format. Chunks of a provider with the same API are passed on as they are, with this
/// answer's id and times:
/// <code>
/// {"id":"chatcmpl-…","object":"chat.completion.chunk","created":1,"model":"…",
///  "choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}
/// </code>
/// </summary>
/// <param name="run">The run, or the facts of an answer that ends with its request.</param>
/// <param name="includeUsage">True if the last chunk has the usage.</param>
/// <param name="call">The request of that answer, or null for a run.</param>
internal sealed class ChatCompletionsWriter(RunHead run, bool includeUsage, ChatCall? call = null)
    : AnswerWriter(Format, run, call)
{
    private const string Kind = "chat.completion.chunk";

    private readonly JoinedDeltas _choice = new();
    private readonly JsonObject _whole = [];
    private JsonObject? _nativeUsage;
    private long _calls;
    private bool _isFinished;

    public static VendorFormat Format { get; } =
        new("OpenAI", "https://platform.openai.com/docs/api-reference/chat", OpenAiError.Body)
        {
            Done = VendorFrame.Of("[DONE]"),
        };

    protected override bool HasRefusals => true;

    protected override bool HasOneText => true;

    protected override string? ReasoningMaker => null;

    private string Id => $"chatcmpl-{Run.Name.Id}";

    private long Created => Run.CreatedAt.ToUnixTimeSeconds();

    /// <summary>Returns the joined deltas of the first choice, and the last value of each other member.</summary>
    public override JsonObject ToJson()
    {
        var choice = _choice.ToJson();
        var message = choice["delta"]!.AsObject();
        message.TryAdd("refusal", null);
        // As in OpenAI's answers, the content is null if there are only tool calls.
        if (message["tool_calls"] is not null && WireJson.Text(message, "content") is "")
            message["content"] = null;

        choice.Remove("delta");
        choice.Insert(1, "message", message);
        _whole["object"] = "chat.completion";
        _whole.Insert(_whole.IndexOf("model") + 1, "choices", new JsonArray(choice));
        return _whole;
    }

    protected override long Join(JsonObject frame)
    {
        foreach (var (name, value) in frame)
            if (name != "choices")
                _whole[name] = value?.DeepClone();
        return frame["choices"] is JsonArray and [JsonObject choice, ..] ? _choice.Add(choice) : 0;
    }

    protected override bool PassesOn(ChatResponseUpdate update)
    {
        if (Call is not { IsNative: true })
            return false;

        Forward(update.RawRepresentation as JsonObject);
        return true;
    }

    protected override void WriteStart() => Write(Chunk(Object(("role", "assistant"), ("content", ""))));

    protected override void WriteEnd()
    {
        ThrowIfCancelled();
        WritePending();
        if (!_isFinished)
            Write(Chunk([], ShownFinish));
        if (!includeUsage)
            return;

        var last = Head([]);
        last["usage"] = UsageOf(_nativeUsage ?? []);
        Write(last);
    }

    protected override void WriteText(TextKind kind, string text) =>
        WriteDelta(
            kind switch
            {
                TextKind.Refusal => "refusal",
                TextKind.Reasoning => "reasoning_content",
                _ => "content",
            },
            text
        );

    protected override void WriteCall(FunctionCallContent tool) =>
        WriteDelta(
            "tool_calls",
            new JsonArray(
                Object(
                    ("index", _calls++),
                    ("id", tool.CallId),
                    ("type", "function"),
                    ("function", Object(("name", tool.Name), ("arguments", ToolCalls.Arguments(tool))))
                )
            )
        );

    protected override bool WriteSource(CitationAnnotation source, JsonObject place)
    {
        if (source.Url is not null)
            WriteDelta("annotations", new JsonArray(Event("url_citation", ("url_citation", place))));
        return source.Url is not null;
    }

    /// <summary>Passes on a chunk of the provider, without its usage, which is kept for the end.</summary>
    private void Forward(JsonObject? chunk)
    {
        if (chunk?["usage"] is JsonObject usage)
            _nativeUsage = usage.DeepClone().AsObject();
        if (chunk?["choices"] is not (JsonArray and [JsonObject choice, ..]))
            return;

        chunk["id"] = Id;
        chunk["object"] = Kind;
        chunk["created"] = Created;
        chunk["model"] = Model;
        chunk.Remove("usage");
        chunk.Remove("error"); // blank here, since a failure would have thrown

        if (includeUsage)
            chunk["usage"] = null;

        _isFinished |= choice["finish_reason"] is not null;
        Write(chunk);
    }

    private void WriteDelta(string name, JsonNode value) => Write(Chunk(Object((name, value))));

    private JsonObject Chunk(JsonObject delta, string? finish = null)
    {
        var chunk = Head(
            new JsonArray(Object(("index", 0), ("delta", delta), ("logprobs", null), ("finish_reason", finish)))
        );
        if (includeUsage)
            chunk["usage"] = null; // as OpenAI does: null in every chunk but the last

        return chunk;
    }

    private JsonObject Head(JsonArray choices) =>
        Object(("id", Id), ("object", Kind), ("created", Created), ("model", Model), ("choices", choices));

    /// <summary>Returns the provider's usage, with an estimate of each count that the provider did not send.</summary>
    private JsonObject UsageOf(JsonObject usage)
    {
        if (WireJson.Number(usage, "prompt_tokens") is not > 0)
            usage["prompt_tokens"] = Usage.Input;
        if (WireJson.Number(usage, "completion_tokens") is not > 0)
            usage["completion_tokens"] = Usage.Output;
        if (WireJson.Number(usage, "total_tokens") is not > 0)
            usage["total_tokens"] = Usage.Input + Usage.Output;
        if (Usage.Cached is { } cached && usage["prompt_tokens_details"] is null)
            usage["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = cached };

        return usage;
    }
}
