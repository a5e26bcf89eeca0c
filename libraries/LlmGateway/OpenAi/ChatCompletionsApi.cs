using System.Text.Json.Nodes;
using LlmGateway.Providers;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Connections;
using Streaming.Frames;
using Streaming.Opening;

namespace LlmGateway.OpenAi;

/// <summary>
/// <c>POST /v1/chat/completions</c> as OpenAI's clients know it: the vendor's frames, no ids, no <c>retry:</c>, and
/// comments while the provider is silent. The head waits shortly for the provider, so that a refusal is a status and
/// not a frame.
/// </summary>
internal sealed class ChatCompletionsApi(
    ChatProviders providers,
    PushOpener streams,
    LiveRuns live,
    IOptions<LlmOptions> options,
    TimeProvider clock
)
{
    private static readonly byte[] Waiting = SseFrame.ToBytes(f => f.Comment("waiting for the model").End());

    public async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["x-request-id"] = $"req_{Guid.NewGuid():N}";
        try
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var call = OpenAiCall.Read(body, providers, options.Value);
            var answer = new OpenAiAnswer(call.Target.Model, clock);
            var isStream = ChatBody.Flag(body, "stream");
            var usage =
                ChatBody.Get(body, "stream_options") is { ValueKind: System.Text.Json.JsonValueKind.Object } wanted
                && ChatBody.Flag(wanted, "include_usage");
            await using var updates = new ProviderAnswer(call, context.RequestAborted, live.GraceOver);
            if (!isStream)
            {
                await foreach (var update in updates.ReadAsync())
                    answer.Take(update);
                await TypedResults.Json(answer.Whole(), RunJson.Options).ExecuteAsync(context);
                return;
            }
            await updates.BeginAsync(TimeSpan.FromMilliseconds(options.Value.HeadMilliseconds), clock);
            await streams.OpenAsync(
                context,
                [],
                (push, stopped) => StreamAsync(push, updates, answer, usage, stopped),
                new PushSettings(
                    TimeSpan.FromDays(1),
                    HeartbeatSeconds: options.Value.PingSeconds,
                    Bare: true,
                    Heartbeat: Waiting
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
        catch (OperationCanceledException) when (live.GraceOver.IsCancellationRequested && !context.Response.HasStarted)
        {
            await OpenAiError.Stopping.WriteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
    }

    private static async Task StreamAsync(
        PushStream push,
        ProviderAnswer updates,
        OpenAiAnswer answer,
        bool usage,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
        // Proxies may hold a head back until something follows it.
        if (!updates.HasBegun)
            await push.WriteAsync(Waiting, events: 0);
        var hasRole = false;
        try
        {
            await foreach (var update in updates.ReadAsync())
            {
                await SayRoleAsync();
                foreach (var delta in answer.Take(update))
                    await push.WriteAsync(VendorFrame.Of(answer.Chunk(delta, usage: usage)));
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
        await SayRoleAsync();
        await push.WriteAsync(VendorFrame.Of(answer.Chunk([], answer.FinishReason, usage)), events: 0);
        if (usage)
            await push.WriteAsync(VendorFrame.Of(answer.UsageChunk()), events: 0);
        await push.WriteAsync(VendorFrame.Of("[DONE]"), events: 0);

        async Task SayRoleAsync()
        {
            if (!hasRole)
                await push.WriteAsync(
                    VendorFrame.Of(
                        answer.Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" }, usage: usage)
                    ),
                    events: 0
                );
            hasRole = true;
        }
    }
}
