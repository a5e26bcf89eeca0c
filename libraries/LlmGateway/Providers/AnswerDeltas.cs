namespace LlmGateway.Providers;

/// <summary>
/// Gathers the deltas of one answer. The answer is complete only if the provider sends a known finish reason, or a
/// known end after text or calls in known forms.
/// </summary>
/// <param name="chat">The request's options, which have the tools.</param>
/// <param name="isNative">True if the client uses the provider's own API, and gets the provider's events as they
/// are.</param>
internal class AnswerDeltas(ChatOptions? chat, bool isNative = false)
{
    /// <summary>Most calls of an answer: the next request could not send back a message with more calls.</summary>
    private const int MaxCalls = 2_048;

    private readonly List<ToolCallDelta> _calls = [];
    private readonly List<TextReasoningContent> _protected = [];
    private ChatFinishReason? _finish;
    private bool _hasText;
    private bool _hasShown;
    private string? _unread;

    public string? Id { get; set; }
    public string? Model { get; set; }
    public UsageDetails? Usage { get; set; }

    /// <summary>The text since the last update.</summary>
    public AnswerText NewText { get; } = new();

    /// <summary>The text since the last update in which the model declines to answer.</summary>
    public AnswerText NewRefusal { get; } = new();

    /// <summary>The reasoning since the last update.</summary>
    public AnswerText NewReasoning { get; } = new();

    /// <summary>Contents of other kinds since the last update, such as images.</summary>
    public List<AIContent> NewContents { get; } = [];

    /// <summary>Sources of the text since the last update.</summary>
    public List<AIAnnotation> NewAnnotations { get; } = [];

    /// <summary>True after the provider's end: <c>[DONE]</c>, <c>message_stop</c>.</summary>
    public bool IsEnded { get; set; }

    protected bool IsNative => isNative;

    public IReadOnlyList<ToolCallDelta> Calls => _calls;

    /// <summary>True if the provider has sent text or a call.</summary>
    private bool HasContent => _hasText || _hasShown || _calls.Count > 0;

    /// <summary>The finish reason for clients. It is not "stop" if there are calls, because a client would then not run
    /// the tools.</summary>
    public ChatFinishReason FinishReason =>
        IsCut ? _finish!.Value
        : _calls.Count > 0 ? ChatFinishReason.ToolCalls
        : ChatFinishReason.Stop;

    private bool IsCut => _finish == ChatFinishReason.Length || _finish == ChatFinishReason.ContentFilter;

    /// <summary>Returns all contents since the last update, except calls.</summary>
    /// <param name="raw">The provider's event, for a client of the same API.</param>
    public ChatResponseUpdate Update(JsonObject? raw = null)
    {
        List<AIContent> contents = [];
        if (NewReasoning.Take() is { Length: > 0 } reasoning)
            contents.Add(new TextReasoningContent(reasoning));
        contents.AddRange(_protected);
        if (NewText.Take() is { Length: > 0 } text)
            contents.Add(new TextContent(text));
        // Their places are those in the whole text so far, and not in its last piece.
        if (NewAnnotations.Count > 0)
            contents.Add(new AIContent { Annotations = [.. NewAnnotations] });
        if (NewRefusal.Take() is { Length: > 0 } refusal)
            contents.Add(RefusalText.Of(refusal));
        contents.AddRange(NewContents);

        _protected.Clear();
        NewContents.Clear();
        NewAnnotations.Clear();
        _hasText |= contents.Count > 0;
        // A client answers such a request as it answers a call.
        _hasShown |= contents.Exists(content => content is InputRequestContent);
        return new ChatResponseUpdate(ChatRole.Assistant, contents)
        {
            ResponseId = Id,
            ModelId = Model,
            RawRepresentation = raw,
        };
    }

    /// <summary>Adds what only the provider can read of the reasoning.</summary>
    public void Protect(string? data)
    {
        if (!string.IsNullOrEmpty(data))
            _protected.Add(new TextReasoningContent("") { ProtectedData = data });
    }

    /// <summary>Adds an item that the provider must get back in a member of the answer's message.</summary>
    protected void Protect(string member, JsonNode item) =>
        Protect(new JsonObject { [member] = new JsonArray(item) }.ToJsonString(RunJson.Options));

    /// <summary>Notes a part of the answer that the gateway cannot read. If no client gets the part, the answer has
    /// failed, whatever its finish reason is.</summary>
    /// <param name="what">The provider's name of the part.</param>
    /// <param name="isShown">True if the client gets the part, because it uses the provider's own API.</param>
    public void Skip(string what, bool isShown)
    {
        _hasShown |= isShown;
        if (!isShown)
            _unread ??= what;
    }

    /// <summary>Forgets the answer, which the provider begins anew.</summary>
    /// <exception cref="UpstreamException">A client has a part of the answer.</exception>
    protected void Restart(bool isShown)
    {
        if (isShown || _hasText)
            throw UpstreamException.Incomplete("the provider began another one after a part of it.");
        _calls.Clear();
        Id = null;
        Model = null;
        Usage = null;
        _finish = null;
        _unread = null;
    }

    /// <summary>Sets the finish reason. Returns false if the reason is blank, so that there is none yet.</summary>
    /// <exception cref="UpstreamException">The reason is unknown, or means a failure.</exception>
    public bool SetFinish(string? word)
    {
        // Some servers send an empty reason with each delta, and Alibaba sends the word null.
        if (string.IsNullOrWhiteSpace(word) || word is "null")
            return false;

        var ended = $"the provider ended it with '{Short(word)}'.";
        _finish = word.ToLowerInvariant() switch
        {
            "stop" or "end_turn" or "stop_sequence" or "eos" or "eos_token" or "complete" or "completed" =>
                ChatFinishReason.Stop,
            "length" or "max_tokens" or "max_output_tokens" or "model_length" or "model_context_window_exceeded" =>
                ChatFinishReason.Length,
            "tool_calls" or "tool_use" or "function_call" => ChatFinishReason.ToolCalls,
            "content_filter" or "refusal" or "safety" or "recitation" or "sensitive" => ChatFinishReason.ContentFilter,
            // Only a client of the vendor's own API can continue such an answer.
            "pause_turn" or "compaction" when isNative => ChatFinishReason.Stop,
            "insufficient_system_resource" => throw new UpstreamException(503, "overloaded", ended),
            _ => throw UpstreamException.Incomplete(ended),
        };
        return true;
    }

    /// <summary>
    /// Adds a delta to its call. Servers number calls, or give ids, or both, or the same number to all; so a delta
    /// continues the call with its id or its number, unless it must begin another call.
    /// </summary>
    /// <param name="index">The call's number, or null if the server sends no number.</param>
    /// <param name="id">The call's id. Null or blank if the server sends none, or only in the first delta.</param>
    /// <param name="name">The tool's name, in the first delta at least.</param>
    /// <param name="piece">A piece of the arguments' JSON.</param>
    public ToolCallDelta AddToCall(long? index, string? id, string? name, string piece)
    {
        var known =
            (id is null ? null : _calls.FindLast(c => c.SentId == id && (index is null || c.Index == index)))
            ?? (index is null && _calls.Count > 0 ? _calls[^1] : _calls.FindLast(c => c.Index == index));

        if (known is null || known.IsFollowedBy(index, id, name, piece))
        {
            if (_calls.Count == MaxCalls)
                throw UpstreamException.Incomplete($"the provider sent more than {MaxCalls} tool calls.");

            var isOwn = id is not null && _calls.TrueForAll(c => c.Id != id);
            known = new ToolCallDelta(_calls.Count, index, isOwn ? id! : $"call_{Guid.NewGuid():N}");
            _calls.Add(known);
        }

        known.Add(id, name, piece);
        return known;
    }

    /// <summary>Ends the calls with a number.</summary>
    public void Close(long? index)
    {
        foreach (var call in _calls.Where(call => call.Index == index))
            call.Close();
    }

    /// <summary>Removes a call whose result has arrived, so that the client does not run it.</summary>
    public void Answer(string id) => _calls.RemoveAll(call => call.SentId == id);

    /// <summary>Returns the last update: the finish reason, the calls, the usage.</summary>
    /// <exception cref="UpstreamException">The answer is incomplete.</exception>
    public ChatResponseUpdate End()
    {
        if (_unread is not null)
            throw UpstreamException.Incomplete($"the provider sent '{Short(_unread)}', which cannot be shown.");
        if (_finish is null && !(IsEnded && HasContent))
            throw UpstreamException.Incomplete("the provider ended it without a finish reason.");
        if (_finish == ChatFinishReason.ToolCalls && _calls.Count == 0 && !_hasShown)
            throw UpstreamException.Incomplete("the provider sent no tool call in a known form.");

        var last = Update();
        last.FinishReason = FinishReason;
        foreach (var call in _calls)
            last.Contents.Add(call.ToContent(IsCut, chat));
        if (!IsCut && !isNative && chat is not CallOptions { AnswersBrokenCalls: true })
            ToolCalls.Check(last.Contents.OfType<FunctionCallContent>());
        if (Usage is not null)
            last.Contents.Add(new UsageContent(Usage));
        return last;
    }

    private static string Short(string word) => word.Length > 64 ? word[..64] : word;
}
