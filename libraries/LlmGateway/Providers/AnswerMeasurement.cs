using System.Diagnostics;
using LlmGateway.Telemetry;

namespace LlmGateway.Providers;

/// <summary>
/// The span and the measurements of one answer, recorded on dispose. An answer that neither failed nor was completed
/// counts as cancelled.
/// </summary>
internal sealed class AnswerMeasurement(
    ModelProvider provider,
    ModelNames names,
    ChatOptions? options,
    ChatMetrics metrics
) : IDisposable
{
    private readonly Activity? _span = ChatMetrics.Source.StartActivity(
        $"chat {names.Of(options?.ModelId)}",
        ActivityKind.Client,
        default(ActivityContext),
        TagsOf(provider, names, options)
    );
    private readonly long _start = provider.Clock.GetTimestamp();
    private readonly List<ChatResponseUpdate> _answer = [];
    private TagList _tags = TagsOf(provider, names, options);
    private string? _error = "cancelled";
    private string? _finish;
    private string? _model;
    private string? _id;
    private long _chunks;
    private long _chunkAt;
    private TimeSpan? _first;
    private UsageDetails? _usage;

    /// <summary>The span if it records the messages and their answer, else null.</summary>
    private Activity? Conversation => metrics.CapturesMessages ? _span : null;

    public void Begin(IEnumerable<ChatMessage> messages)
    {
        if (options?.MaxOutputTokens is { } maxTokens)
            _span?.SetTag("gen_ai.request.max_tokens", maxTokens);
        _span?.SetTag("gen_ai.request.model", options?.ModelId).SetTag("gen_ai.request.stream", true);
        if (Conversation is { } conversation)
            MessageContent.AddInput(conversation, messages, options?.Instructions);
    }

    public void Add(ChatResponseUpdate update)
    {
        if (update.Contents.Count > 0)
            _first ??= provider.Clock.GetElapsedTime(_start);

        foreach (var content in update.Contents)
            if (content is UsageContent { Details: var counted })
                _usage = counted;
            else if (content is TextContent)
            {
                if (_chunks++ > 0)
                    metrics.NextChunk.Record(provider.Clock.GetElapsedTime(_chunkAt).TotalSeconds, _tags);
                _chunkAt = provider.Clock.GetTimestamp();
            }

        if (Conversation is not null)
            _answer.Add(update);

        _finish = update.FinishReason?.Value ?? _finish;
        _model = update.ModelId ?? _model;
        _id = update.ResponseId ?? _id;
    }

    public void Complete() => _error = null;

    /// <summary>Records the failure without its message, which may quote the prompt.</summary>
    public void Fail(Exception exception)
    {
        _error = exception is UpstreamException upstream ? upstream.Kind : exception.GetType().FullName;
        _span?.SetStatus(ActivityStatusCode.Error, _error);
    }

    public void Dispose()
    {
        var took = provider.Clock.GetElapsedTime(_start);
        var output = _usage?.OutputTokenCount ?? (_chunks > 0 ? _chunks : null);
        if (_error is not null)
            _tags.Add("error.type", _error);
        if (_model is not null)
            _tags.Add("gen_ai.response.model", names.Of(_model));

        metrics.Duration.Record(took.TotalSeconds, _tags);
        if (_first is { } first)
            metrics.FirstChunk.Record(first.TotalSeconds, _tags);
        if (_chunks > 1 && took > _first)
            metrics.Rate.Record((output!.Value - 1) / (took - _first.Value).TotalSeconds, _tags);
        Count("input", _usage?.InputTokenCount);
        Count("output", output);

        _span
            ?.SetTag("error.type", _error)
            .SetTag("gen_ai.response.model", _model)
            .SetTag("gen_ai.response.finish_reasons", _finish is null ? null : new[] { _finish })
            .SetTag("gen_ai.usage.input_tokens", _usage?.InputTokenCount)
            .SetTag("gen_ai.usage.output_tokens", _usage?.OutputTokenCount)
            .SetTag("gen_ai.response.id", _id)
            .SetTag("gen_ai.response.time_to_first_chunk", _first?.TotalSeconds);

        if (Conversation is { } conversation)
            MessageContent.AddOutput(conversation, _answer, _finish);

        _span?.Dispose();
    }

    private void Count(string type, long? tokens)
    {
        var typed = _tags;
        typed.Add("gen_ai.token.type", type);
        if (tokens is { } count)
            metrics.Tokens.Record(count, typed);
    }

    private static TagList TagsOf(ModelProvider provider, ModelNames names, ChatOptions? options) =>
        new()
        {
            { "gen_ai.operation.name", "chat" },
            { "gen_ai.provider.name", ChatMetrics.NameOf(provider.Name) },
            { "gen_ai.request.model", names.Of(options?.ModelId) },
        };
}
