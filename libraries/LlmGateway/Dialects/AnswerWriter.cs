namespace LlmGateway.Dialects;

/// <summary>A kind of text. Texts of different kinds are in different blocks.</summary>
internal enum TextKind
{
    Answer,
    Refusal,
    Reasoning,
}

/// <summary>
/// Walks through the updates of an answer: blocks of text that open, grow and close, with calls, results and files
/// between them. A dialect writes each step; a sentence in the text tells of what the dialect cannot show.
/// </summary>
/// <remarks>The frames of a run depend only on its updates, so that the n-th frame is the same on every
/// replica.</remarks>
/// <param name="dialect">The format of the frames.</param>
/// <param name="run">The run, or the facts of an answer that ends with its request.</param>
/// <param name="call">The request of that answer, or null for a run.</param>
internal abstract class AnswerWriter(VendorFormat dialect, RunHead run, ChatCall? call = null)
{
    private const string Gap = "\n\n";

    private readonly List<FunctionCallContent> _calls = [];
    private readonly HashSet<string> _asked = [];
    private (string? Id, string? Author) _message;
    private List<JsonObject> _frames = [];
    private string? _protected;

    /// <summary>Length of the answer's text so far.</summary>
    private int _length;

    /// <summary>Length of the text before its last block.</summary>
    private int _start;

    private bool _hasTold;

    public VendorFormat Dialect => dialect;

    public RunHead Run => run;

    public ChatCall? Call => call;

    /// <summary>Name of the model: the requested name, or the provider's own name once the provider has
    /// answered.</summary>
    public string Model { get; private set; } = run.Model ?? "";

    /// <summary>Estimated bytes of memory of the answer without streaming so far.</summary>
    public long Bytes { get; protected set; }

    /// <summary>Kind of the open block, or null if no block is open.</summary>
    protected TextKind? Open { get; private set; }

    /// <summary>The finish reason: OpenAI's word, or <see cref="GenerationEvents.Cancelled"/>.</summary>
    protected string Finish { get; private set; } = "stop";

    protected AnswerUsage Usage { get; } = new(call);

    /// <summary>The usage by the names that the protocols of pages have.</summary>
    protected (string Name, JsonNode? Value)[] UsageOfPage =>
        [
            ("inputTokens", Usage.Counted?.InputTokenCount),
            ("outputTokens", Usage.Counted?.OutputTokenCount),
            ("totalTokens", Usage.Counted?.TotalTokenCount),
            ("reasoningTokens", Usage.Reasoning),
            ("cachedInputTokens", Usage.Cached),
        ];

    /// <summary>The text with which the client sends the reasoning that ends back to its provider, or null.</summary>
    protected string? Signature => ReasoningMaker is { } provider ? OwnReasoning.Pack(provider, _protected) : null;

    /// <summary>True if the model has declined to answer.</summary>
    protected bool HasRefused { get; private set; }

    /// <summary>The calls without a result, except those that the model's server runs itself.</summary>
    protected IReadOnlyList<FunctionCallContent> OpenCalls => _calls;

    /// <summary>The calls that the client has to run at the end. There are none if the answer was cancelled, or cut by
    /// a limit or a content filter.</summary>
    protected IReadOnlyList<FunctionCallContent> PendingCalls =>
        Finish is GenerationEvents.Cancelled or "length" or "content_filter" ? [] : _calls;

    /// <summary>The finish reason for a client that runs the calls which were written.</summary>
    protected string ShownFinish =>
        !WritesPendingCalls ? Finish
        : PendingCalls.Count > 0 ? "tool_calls"
        : Finish is "length" or "content_filter" ? Finish
        : "stop";

    /// <summary>The provider that gets its reasoning back from the client, or null if the dialect has no place for
    /// that, or the run is an application's own.</summary>
    protected virtual string? ReasoningMaker => run.Provider;

    /// <summary>True if a refusal is no text in this dialect, but has a place of its own.</summary>
    protected virtual bool HasRefusals => false;

    /// <summary>True if the blocks of the answer are one text in this dialect, in which the places of sources
    /// are.</summary>
    protected virtual bool HasOneText => false;

    /// <summary>True if only the calls that are pending at the end are written: a client of this dialect would run
    /// those that the application answers.</summary>
    protected virtual bool WritesPendingCalls => call is null;

    /// <summary>Returns the first frames, which precede the model's answer.</summary>
    public IReadOnlyList<JsonObject> Start() => Written(WriteStart);

    /// <summary>Returns the frames of an update.</summary>
    public virtual IReadOnlyList<JsonObject> Next(ChatResponseUpdate update)
    {
        Model = update.ModelId ?? Model;
        Finish = update.FinishReason?.Value ?? Finish;
        Usage.Add(update);
        if (!PassesOn(update))
            Walk(update);
        return Take();
    }

    /// <summary>Returns the last frames.</summary>
    /// <exception cref="UpstreamException">The dialect cannot show the end, or the arguments of a pending call are not
    /// a JSON object.</exception>
    public IReadOnlyList<JsonObject> End()
    {
        ToolCalls.Check(PendingCalls);

        // An application may have words of its own, which the vendors' clients do not know.
        if (
            WritesPendingCalls
            && Finish is not ("stop" or "length" or "tool_calls" or "content_filter" or GenerationEvents.Cancelled)
        )
            Tell($"[The answer has ended for another reason: {Finish}.]");
        return Written(WriteEnd);
    }

    /// <summary>Returns the last frames of an answer that has failed.</summary>
    public IReadOnlyList<JsonObject> Fail(VendorError error) => Written(() => WriteFailure(error));

    /// <summary>Returns the id of the next frame, or null if it has none. It is called once for each frame, in
    /// order.</summary>
    public virtual string? NextId() => null;

    /// <summary>Adds frames to the answer without streaming, which then owns the frames, and may change them.</summary>
    public void Join(IReadOnlyList<JsonObject> frames)
    {
        foreach (var frame in frames)
            Bytes += Join(frame);
    }

    /// <summary>Returns the answer without streaming. Only APIs with such answers implement it.</summary>
    public virtual JsonObject ToJson() => throw new NotSupportedException();

    /// <summary>Adds a frame to the answer without streaming, and returns the estimated bytes of memory that it
    /// takes.</summary>
    protected virtual long Join(JsonObject frame) => 0;

    /// <summary>Writes the provider's own frame to a client of the same API. Returns false if the update is to be
    /// translated.</summary>
    protected virtual bool PassesOn(ChatResponseUpdate update) => false;

    protected abstract void WriteStart();
    protected abstract void WriteEnd();

    protected virtual void WriteFailure(VendorError error) => Write(dialect.Body(error));

    protected virtual void WriteOpening(TextKind kind) { }

    protected abstract void WriteText(TextKind kind, string text);

    protected virtual void WriteClosing(TextKind kind) { }

    /// <summary>Notes that the next block or call belongs to another message.</summary>
    protected virtual void BreakMessage() { }

    protected abstract void WriteCall(FunctionCallContent call);

    /// <summary>Writes a result of the application's own tool. Most APIs have calls of the client only.</summary>
    protected virtual void WriteResult(FunctionResultContent result) { }

    /// <summary>Writes a file, or returns false if the dialect has no place for it.</summary>
    protected virtual bool WriteFile(string url, string mediaType) => false;

    /// <summary>Writes a source of the open text, or returns false if the dialect has no place for it.</summary>
    /// <param name="source">The source.</param>
    /// <param name="place">The members of OpenAI's citations: the address, and the part of the text.</param>
    protected virtual bool WriteSource(CitationAnnotation source, JsonObject place) => false;

    /// <summary>Asks the user to approve a call that has been written, or returns false if the dialect has no place for
    /// the question.</summary>
    protected virtual bool WriteApproval(ToolApprovalRequestContent request, FunctionCallContent call) => false;

    /// <summary>Writes a content that the dialect has no place for, in addition to the sentence.</summary>
    protected virtual void WriteUnshown(AIContent content) { }

    protected void Write(JsonObject frame) => _frames.Add(frame);

    protected void Write(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        Write(VendorFrame.Event(type, members));

    /// <summary>Adds text to the open block, or to a new one if the open block is of another kind.</summary>
    protected void Append(TextKind kind, string text)
    {
        if (!Enter(kind) && _hasTold)
            text = Gap + text;

        _hasTold = false;
        if (kind == TextKind.Answer)
            _length += text.Length;
        WriteText(kind, text);
    }

    /// <summary>Ends the open block, if there is one.</summary>
    protected void Close()
    {
        if (Open is { } kind)
            WriteClosing(kind);
        Open = null;
        _protected = null;
    }

    /// <summary>Ends the open block, and writes the calls that only now are known to be pending.</summary>
    protected void WritePending()
    {
        Close();
        foreach (var call in WritesPendingCalls ? PendingCalls : [])
            WriteCall(call);
    }

    /// <exception cref="UpstreamException">The answer was cancelled, and the dialect has no word for that.</exception>
    protected void ThrowIfCancelled()
    {
        if (Finish == GenerationEvents.Cancelled)
            throw new UpstreamException(
                StatusCodes.Status499ClientClosedRequest,
                GenerationEvents.Cancelled,
                "The answer was cancelled."
            );
    }

    protected void Add(FunctionCallContent call)
    {
        Close();
        if (!call.InformationalOnly && !_asked.Contains(call.CallId))
            _calls.Add(call);
        if (!WritesPendingCalls)
            WriteCall(call);
    }

    /// <summary>Opens a block, unless the open one is of this kind.</summary>
    private bool Enter(TextKind kind)
    {
        if (Open == kind)
            return false;

        Close();
        Open = kind;
        if (kind == TextKind.Answer)
            _start = _length;
        WriteOpening(kind);
        return true;
    }

    private List<JsonObject> Written(Action write)
    {
        write();
        return Take();
    }

    private List<JsonObject> Take()
    {
        var frames = _frames;
        _frames = [];
        return frames;
    }

    private void Walk(ChatResponseUpdate update)
    {
        // As in Microsoft.Extensions.AI: another message has another id, or another author.
        var (id, author) = _message;
        _message = (Named(update.MessageId) ?? id, Named(update.AuthorName) ?? author);
        if (_message != (id ?? _message.Id, author ?? _message.Author))
        {
            Close();
            BreakMessage();
        }

        foreach (var content in update.Contents)
        {
            Walk(content);
            var before = content is TextContent text ? _length - text.Text.Length : _start;
            foreach (var annotation in content.Annotations ?? [])
                Walk(annotation, before);
        }
    }

    private void Walk(AIContent content)
    {
        switch (content)
        {
            case TextContent text:
                var isRefusal = text.IsRefusal();
                HasRefused |= isRefusal;
                if (text.Text.Length > 0)
                    Append(isRefusal && HasRefusals ? TextKind.Refusal : TextKind.Answer, text.Text);
                break;
            case TextReasoningContent reasoning:
                if (reasoning.Text.Length > 0)
                    Append(TextKind.Reasoning, reasoning.Text);
                if (ReasoningMaker is null || reasoning.ProtectedData is not { Length: > 0 } data)
                    break;

                // Data without text is encrypted reasoning, in a block of its own.
                Enter(TextKind.Reasoning);
                _protected = data;
                Close();
                break;

            case FunctionCallContent call:
                Add(call);
                break;
            case FunctionResultContent result:
                _calls.RemoveAll(call => call.CallId == result.CallId);
                WriteResult(result);
                break;
            case ToolApprovalRequestContent { ToolCall: FunctionCallContent call } request:
                if (WriteApproval(request, call))
                    break;

                // The client would run it without the user.
                _asked.Add(call.CallId);
                _calls.RemoveAll(known => known.CallId == call.CallId);
                Tell(content);
                break;

            case DataContent file when WriteFile(file.Uri, file.MediaType):
            case UriContent link when WriteFile(link.Uri.OriginalString, link.MediaType):
                break;
            case ToolResultContent result
                when OutputsOf(result).ToLookup(IsFile) is var outputs && outputs.Contains(true):
                foreach (var file in outputs[true])
                    Walk(file);
                if (outputs.Contains(false))
                    Tell(content);
                break;

            case UsageContent:
                break;
            default:
                if (content.GetType() != typeof(AIContent) || content.Annotations is not { Count: > 0 })
                    Tell(content);
                break;
        }
    }

    /// <param name="annotation">The annotation.</param>
    /// <param name="before">The place in the answer's text from which the annotation counts.</param>
    private void Walk(AIAnnotation annotation, int before)
    {
        if (annotation is CitationAnnotation source)
        {
            before -= HasOneText ? 0 : _start;
            var region = source.AnnotatedRegions?.OfType<TextSpanAnnotatedRegion>().FirstOrDefault();
            var place = VendorFrame.Object(
                ("start_index", before + (region?.StartIndex ?? 0)),
                ("end_index", region?.EndIndex is { } end ? before + end : _length - (HasOneText ? 0 : _start)),
                ("url", source.Url?.OriginalString),
                ("title", UnshownContent.TitleOf(source))
            );
            if (WriteSource(source, place))
                return;
        }

        // Within the sentence that it is for.
        Append(TextKind.Answer, (Open == TextKind.Answer && !_hasTold ? " " : "") + UnshownContent.Of(annotation));
    }

    /// <summary>Tells of a content, in a paragraph of its own.</summary>
    private void Tell(AIContent content)
    {
        WriteUnshown(content);
        Tell(UnshownContent.Of(content));
    }

    private void Tell(string sentence)
    {
        _hasTold = true;
        Append(TextKind.Answer, sentence);
        _hasTold = true;
    }

    private static string? Named(string? name) => string.IsNullOrEmpty(name) ? null : name;

    private static bool IsFile(AIContent content) => content is DataContent or UriContent or HostedFileContent;

    /// <summary>Returns what a tool of the model's server has made.</summary>
    private static IList<AIContent> OutputsOf(ToolResultContent result) =>
        result switch
        {
            ImageGenerationToolResultContent images => images.Outputs,
            CodeInterpreterToolResultContent code => code.Outputs,
            McpServerToolResultContent remote => remote.Outputs,
            _ => null,
        } ?? [];
}
