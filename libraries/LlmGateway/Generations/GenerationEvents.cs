using EventStore;

namespace LlmGateway.Generations;

/// <summary>
/// Makes the events of a generation, and reads them back as updates. The frames of generations omit the events
/// <see cref="Update"/> and <see cref="Continuation"/>, and the member <c>details</c>, which is always the last one:
/// <code>
/// {"text":"[Source: Rome]","details":{"contents":[{"$type":"text","annotations":[…]}]}}
/// {"finishReason":"stop","usage":{"inputTokens":9,"outputTokens":4},"details":{"reasoningTokens":2}}
/// </code>
/// </summary>
internal static class GenerationEvents
{
    /// <summary>The finish reason of a cancelled answer.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>Type of the event with a continuation token; no reader gets it.</summary>
    public const string Continuation = "continuation";

    /// <summary>Type of the events that are updates of Microsoft.Extensions.AI, in JSON. In an application's run they
    /// are the whole answer; in a generation they have what only its provider can read.</summary>
    public const string Update = "update";

    private static readonly byte[] Details = "details"u8.ToArray();

    public static RunEvent Token(string text) => RunEvent.Of("token", new GenerationToken(text));

    /// <summary>Makes the event of a refusal, which the readers of the generation get as a token.</summary>
    public static RunEvent Refusal(string text) => Shown(RefusalText.Of(text));

    /// <summary>Makes the token of a content that is more than its text. Other APIs get the content as it is, unless it
    /// is too large for the store.</summary>
    public static RunEvent Shown(AIContent content)
    {
        var text = UnshownContent.TextOf(content);
        var bare = Token(text);
        return StoredContents.Of([content], bare) is { } details
            ? RunEvent.Of("token", new StoredToken(text, details))
            : bare;
    }

    /// <summary>Makes the event with the part of the reasoning that only the provider can read.</summary>
    public static RunEvent Protected(string data) =>
        Stored(new ChatResponseUpdate(ChatRole.Assistant, [new TextReasoningContent("") { ProtectedData = data }]));

    public static RunEvent Stored(ChatResponseUpdate update) =>
        new(Update, EventRules.Data(JsonSerializer.Serialize(update, StoredContents.Json)));

    public static RunEvent Reasoning(string text) => RunEvent.Of("reasoning", new GenerationToken(text));

    public static RunEvent State(DelayNotice delay) => RunEvent.Of("state", delay);

    public static RunEvent ToolUse(FunctionCallContent tool) => RunEvent.Of("tool_use", ToolUseOf(tool));

    public static GenerationToolUse ToolUseOf(FunctionCallContent tool) =>
        new(tool.CallId, tool.Name, ToolCalls.InputOrText(tool));

    /// <summary>Makes the event with the token from which another process continues the answer.</summary>
    public static RunEvent ContinuesFrom(ResponseContinuationToken token) =>
        RunEvent.Of(Continuation, new StoredContinuation(token.ToBytes().ToArray()));

    public static ResponseContinuationToken TokenOf(ReadOnlyMemory<byte> data) =>
        ResponseContinuationToken.FromBytes(
            JsonSerializer.Deserialize(data.Span, RunJson.Options.TypeOf<StoredContinuation>())!.Token
        );

    public static RunEvent Done(string reason, AnswerUsage usage) =>
        RunEvent.Of(
            "done",
            new StoredDone(
                reason,
                new GenerationUsage(usage.Input, usage.Output),
                (usage.Cached ?? usage.Reasoning) is null ? null : new UsageDetail(usage.Cached, usage.Reasoning)
            )
        );

    public static RunEvent Failed(UpstreamException failure)
    {
        var details = new ErrorDetail(
            failure.Status,
            failure.Kind,
            failure.Code,
            failure.RetryAfter,
            failure.WasRetried
        );
        return RunEvent.Of("error", new StoredError(failure.Message, Fatal: true, failure.Reason, details));
    }

    /// <summary>Returns true for the last event of a run.</summary>
    public static bool Ends(string kind, string type) =>
        type == "error" || type == (kind == GenerationName.Kind ? "done" : Run.EndType);

    /// <summary>Returns an event of a run as an update, or null if the event has nothing for a client of another
    /// API.</summary>
    /// <exception cref="UpstreamException">The event is the end of a run that has failed.</exception>
    public static ChatResponseUpdate? UpdateOf(string kind, string type, ReadOnlyMemory<byte> data)
    {
        if (type == Update)
            return StoredContents.UpdateOf(data.Span);
        // The other events of an application's run are its own.
        if (kind != GenerationName.Kind && type != "error")
            return null;

        using var json = JsonDocument.Parse(data);
        return UpdateOf(type, json.RootElement);
    }

    /// <summary>Returns an event of a generation or of an agent as an update, or null if a model does not get the
    /// event.</summary>
    /// <inheritdoc cref="UpdateOf(string, string, ReadOnlyMemory{byte})" path="/exception"/>
    public static ChatResponseUpdate? UpdateOf(string type, JsonElement root) =>
        type switch
        {
            "token" => Of(StoredContents.In(root) ?? [new TextContent(root.GetProperty("text").GetString())]),
            "reasoning" => Of([new TextReasoningContent(root.GetProperty("text").GetString())]),
            "content" => Of([new TextContent(root.GetProperty("data").GetString())]),
            "tool_use" => Of([.. StoredContents.In(root) ?? [], CallOf(root)]),
            "tool_result" => ResultOf(
                root.GetProperty("id").GetString()!,
                root.TryGetProperty("output", out var output) ? output : null
            ),
            "done" => EndOf(root),
            "error" when root.GetProperty("reason").ValueEquals(Cancelled) => new ChatResponseUpdate
            {
                FinishReason = new ChatFinishReason(Cancelled),
            },
            "error" => throw FailureOf(root),
            _ => null,
        };

    /// <summary>Makes the update with the result of a call.</summary>
    public static ChatResponseUpdate ResultOf(string call, object? output) =>
        new(ChatRole.Tool, [ToolCalls.ResultOf(call, output)]);

    /// <summary>Returns the data of an event without the details, as the frames of generations have it.</summary>
    public static ReadOnlyMemory<byte> WithoutDetails(ReadOnlyMemory<byte> data)
    {
        if (data.Span.IndexOf(Details) < 0)
            return data;

        var reader = new Utf8JsonReader(data.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // Index of the comma before the member.
            var before = (int)reader.TokenStartIndex - 1;
            if (reader.ValueTextEquals(Details))
                return (byte[])[.. data.Span[..before], (byte)'}'];
            reader.Skip();
        }

        return data;
    }

    private static ChatResponseUpdate Of(IList<AIContent> contents) => new(ChatRole.Assistant, contents);

    private static FunctionCallContent CallOf(JsonElement root)
    {
        var input = root.GetProperty("input");
        return ToolCalls.Parse(
            root.GetProperty("id").GetString()!,
            root.GetProperty("tool").GetString()!,
            input.ValueKind == JsonValueKind.String ? input.GetString()! : input.GetRawText()
        );
    }

    private static ChatResponseUpdate EndOf(JsonElement root)
    {
        var done = root.Deserialize(RunJson.Options.TypeOf<StoredDone>())!;
        var last = Of([
            new UsageContent(
                new UsageDetails
                {
                    InputTokenCount = done.Usage.InputTokens,
                    OutputTokenCount = done.Usage.OutputTokens,
                    TotalTokenCount = done.Usage.InputTokens + done.Usage.OutputTokens,
                    CachedInputTokenCount = done.Details?.CachedInputTokens,
                    ReasoningTokenCount = done.Details?.ReasoningTokens,
                }
            ),
        ]);
        last.FinishReason = new ChatFinishReason(done.FinishReason);
        return last;
    }

    private static UpstreamException FailureOf(JsonElement root)
    {
        var error = root.Deserialize(RunJson.Options.TypeOf<StoredError>())!;
        // The closing events of a run have no details.
        var details = error.Details ?? new ErrorDetail(error.Reason == "failed" ? 500 : 503);
        return new UpstreamException(details.Status, details.Kind ?? error.Reason, error.Error, details.RetryAfter)
        {
            Code = details.Code,
            WasRetried = details.WasRetried,
        };
    }
}

/// <summary>Data of a stored continuation token, in base64.</summary>
internal sealed record StoredContinuation(byte[] Token);

/// <summary>Data of a stored <c>token</c> that is more than its text.</summary>
internal sealed record StoredToken(string Text, StoredContents Details);

/// <summary>Data of a stored <c>done</c>.</summary>
internal sealed record StoredDone(string FinishReason, GenerationUsage Usage, UsageDetail? Details);

/// <summary>Counts that are parts of the input and output tokens. Null if the provider has not sent them.</summary>
internal sealed record UsageDetail(long? CachedInputTokens, long? ReasoningTokens);

/// <summary>Data of a stored <c>error</c>.</summary>
internal sealed record StoredError(string Error, bool Fatal, string Reason, ErrorDetail? Details = null);

/// <summary>Members of an <see cref="UpstreamException"/>.</summary>
/// <param name="Kind">Null in a run's closing events: the reason.</param>
internal sealed record ErrorDetail(
    int Status,
    string? Kind = null,
    string? Code = null,
    TimeSpan? RetryAfter = null,
    bool WasRetried = false
);
