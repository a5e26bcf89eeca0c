using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Connections;
using Streaming.Frames;
using Streaming.Opening;

namespace LlmGateway.VendorApis.ChatCompletions;

/// <summary>
/// Answers a Chat Completions request, whole or as a stream. A stream has the vendor's frames only: no ids, no
/// <c>retry:</c>, and comments while the provider is silent.
/// </summary>
internal sealed class ChatCompletionsHandler(
    ChatProviders providers,
    PushOpener streams,
    LiveRuns live,
    IOptions<LlmOptions> options,
    TimeProvider clock
)
{
    private static readonly byte[] WaitingComment = SseFrame.ToBytes(f => f.Comment("waiting for the model").End());

    public async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["x-request-id"] = $"req_{Guid.NewGuid():N}";
        try
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var call = ChatCompletionsRequestReader.Read(body, providers, options.Value);
            var response = new ChatCompletionsResponse(call.Target.Model, clock);
            var isStream = ChatBody.Flag(body, "stream");
            var includeUsage =
                ChatBody.Get(body, "stream_options") is { ValueKind: JsonValueKind.Object } streamOptions
                && ChatBody.Flag(streamOptions, "include_usage");
            await using var updates = new ProviderAnswer(call, context.RequestAborted, live.GraceExpired);
            if (!isStream)
            {
                await foreach (var update in updates.ReadAsync())
                    response.Take(update);
                await TypedResults.Json(response.Whole(), RunJson.Options).ExecuteAsync(context);
                return;
            }
            await updates.BeginAsync(TimeSpan.FromMilliseconds(options.Value.HeadMilliseconds), clock);
            await streams.OpenAsync(
                context,
                [],
                (push, stopped) => StreamAsync(push, updates, response, includeUsage, stopped),
                new PushSettings(
                    TimeSpan.FromDays(1),
                    HeartbeatSeconds: options.Value.PingSeconds,
                    Bare: true,
                    Heartbeat: WaitingComment
                )
            );
        }
        catch (InvalidChatException e)
        {
            await OpenAiError.Of(e).WriteAsync(context);
        }
        catch (UpstreamException e)
        {
            await OpenAiError.Of(e).WriteAsync(context);
        }
        catch (OperationCanceledException)
            when (live.GraceExpired.IsCancellationRequested && !context.Response.HasStarted)
        {
            await OpenAiError.Stopping.WriteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
    }

    private static async Task StreamAsync(
        PushStream push,
        ProviderAnswer updates,
        ChatCompletionsResponse response,
        bool includeUsage,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
        // Some proxies hold the head back until the body begins.
        if (!updates.HasBegun)
            await push.WriteAsync(WaitingComment, events: 0);
        var hasRole = false;
        try
        {
            await foreach (var update in updates.ReadAsync())
            {
                await WriteRoleAsync();
                foreach (var delta in response.Take(update))
                    await push.WriteAsync(VendorFrame.Of(response.Chunk(delta, includeUsage: includeUsage)));
            }
        }
        catch (UpstreamException e)
        {
            await push.WriteAsync(VendorFrame.Of(OpenAiError.Of(e).Body));
            return;
        }
        catch (OperationCanceledException) when (!stopped.IsCancellationRequested)
        {
            await push.WriteAsync(VendorFrame.Of(OpenAiError.Stopping.Body));
            return;
        }
        await WriteRoleAsync();
        await push.WriteAsync(VendorFrame.Of(response.Chunk([], response.FinishReason, includeUsage)), events: 0);
        if (includeUsage)
            await push.WriteAsync(VendorFrame.Of(response.UsageChunk()), events: 0);
        await push.WriteAsync(VendorFrame.Of("[DONE]"), events: 0);

        async Task WriteRoleAsync()
        {
            if (!hasRole)
                await push.WriteAsync(
                    VendorFrame.Of(
                        response.Chunk(
                            new JsonObject { ["role"] = "assistant", ["content"] = "" },
                            includeUsage: includeUsage
                        )
                    ),
                    events: 0
                );
            hasRole = true;
        }
    }
}
