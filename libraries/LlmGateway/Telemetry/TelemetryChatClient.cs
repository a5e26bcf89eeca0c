using System.Diagnostics;
using System.Runtime.CompilerServices;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace LlmGateway.Telemetry;

/// <summary>
/// Records one span and one set of measurements per answer, time in the provider's queue included. An unexpected
/// failure is logged, and becomes an <see cref="UpstreamException"/>, so that each API tells it in its own format.
/// </summary>
internal sealed class TelemetryChatClient(
    IChatClient inner,
    string provider,
    ChatMetrics metrics,
    TimeProvider clock,
    ILogger logger
) : DelegatingChatClient(inner)
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var tags = new TagList
        {
            { "gen_ai.operation.name", "chat" },
            { "gen_ai.provider.name", ChatMetrics.NameOf(provider) },
            { "gen_ai.request.model", options?.ModelId },
        };
        using var span = ChatMetrics.Source.StartActivity(
            $"chat {options?.ModelId}",
            ActivityKind.Client,
            default(ActivityContext),
            tags
        );
        if (options?.MaxOutputTokens is { } maxTokens)
            span?.SetTag("gen_ai.request.max_tokens", maxTokens);
        span?.SetTag("gen_ai.request.stream", true);
        var (start, before) = (clock.GetTimestamp(), 0L);
        TimeSpan? first = null;
        var chunks = 0L;
        UsageDetails? usage = null;
        string? error = "cancelled",
            finish = null,
            model = null,
            id = null;
        await using var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken)
            .GetAsyncEnumerator(cancellationToken);
        try
        {
            while (true)
            {
                try
                {
                    if (!await updates.MoveNextAsync())
                    {
                        error = null;
                        break;
                    }
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    error = e is UpstreamException upstream ? upstream.Reason : e.GetType().FullName;
                    // Without the message, which may quote the prompt.
                    span?.SetStatus(ActivityStatusCode.Error, error);
                    if (e is UpstreamException)
                        throw;
                    logger.LogError(e, "The request to {Provider} failed", provider);
                    throw new UpstreamException(
                        502,
                        "upstream",
                        $"The request to {provider} failed in this server. Its log has the reason.",
                        inner: e
                    );
                }
                var update = updates.Current;
                if (update.Contents.Count > 0)
                    first ??= clock.GetElapsedTime(start);
                foreach (var content in update.Contents)
                    if (content is UsageContent { Details: var counted })
                        usage = counted;
                    else if (content is TextContent)
                    {
                        if (chunks++ > 0)
                            metrics.ChunkReceived(clock.GetElapsedTime(before), tags);
                        before = clock.GetTimestamp();
                    }
                (finish, model, id) = (
                    update.FinishReason?.Value ?? finish,
                    update.ModelId ?? model,
                    update.ResponseId ?? id
                );
                yield return update;
            }
        }
        finally
        {
            if (error is not null)
                tags.Add("error.type", error);
            if (model is not null)
                tags.Add("gen_ai.response.model", model);
            metrics.Answered(
                tags,
                clock.GetElapsedTime(start),
                first,
                chunks,
                usage?.InputTokenCount,
                usage?.OutputTokenCount ?? (chunks > 0 ? chunks : null)
            );
            span?.SetTag("error.type", error)
                .SetTag("gen_ai.response.model", model)
                .SetTag("gen_ai.response.finish_reasons", finish is null ? null : new[] { finish })
                .SetTag("gen_ai.usage.input_tokens", usage?.InputTokenCount)
                .SetTag("gen_ai.usage.output_tokens", usage?.OutputTokenCount)
                .SetTag("gen_ai.response.id", id)
                .SetTag("gen_ai.response.time_to_first_chunk", first?.TotalSeconds);
        }
    }

    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);
}
