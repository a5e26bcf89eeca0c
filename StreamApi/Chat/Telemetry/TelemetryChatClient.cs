using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using StreamApi.Chat.Providers;

namespace StreamApi.Chat.Telemetry;

/// <summary>One span and one set of measurements an answer, however it ends. Waiting for a place counts: it is what the reader waits.</summary>
internal sealed class TelemetryChatClient(IChatClient inner, string provider, ChatMetrics metrics, TimeProvider clock) : DelegatingChatClient(inner)
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // providers as the conventions name them
        var name = provider is "local" or "demo" ? $"aspire-sse.{provider}" : provider;
        var tags = new TagList { { "gen_ai.operation.name", "chat" }, { "gen_ai.provider.name", name }, { "gen_ai.request.model", options?.ModelId } };
        using var span = ChatMetrics.Source.StartActivity($"chat {options?.ModelId}", ActivityKind.Client, default(ActivityContext), tags);
        var start = clock.GetTimestamp();
        TimeSpan? first = null;
        var chunks = 0L;
        UsageDetails? usage = null;
        string? error = "cancelled", finish = null, model = null;
        await using var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            while (true)
            {
                try
                {
                    if (!await updates.MoveNextAsync()) { error = null; break; }
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    error = e is UpstreamException upstream ? upstream.Reason : e.GetType().FullName;
                    span?.SetStatus(ActivityStatusCode.Error, e.Message);
                    throw;
                }
                var update = updates.Current;
                if (update.Contents.Count > 0) first ??= clock.GetElapsedTime(start);
                if (update.Contents.Any(c => c is TextContent)) chunks++;
                usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details ?? usage;
                (finish, model) = (update.FinishReason?.Value ?? finish, update.ModelId ?? model);
                yield return update;
            }
        }
        finally
        {
            if (error is not null) tags.Add("error.type", error);
            if (model is not null) tags.Add("gen_ai.response.model", model);
            metrics.Answered(tags, clock.GetElapsedTime(start), first, chunks, usage?.InputTokenCount, usage?.OutputTokenCount ?? (chunks > 0 ? chunks : null));
            span?.SetTag("error.type", error).SetTag("gen_ai.response.model", model).SetTag("gen_ai.response.finish_reasons", finish is null ? null : new[] { finish })
                .SetTag("gen_ai.usage.input_tokens", usage?.InputTokenCount).SetTag("gen_ai.usage.output_tokens", usage?.OutputTokenCount)
                .SetTag("gen_ai.client.time_to_first_token_ms", first?.TotalMilliseconds);
        }
    }

    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);
}
