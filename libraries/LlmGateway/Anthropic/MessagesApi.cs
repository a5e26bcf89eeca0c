using System.Text.Json.Nodes;
using LlmGateway.Providers;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Connections;
using Streaming.Opening;

namespace LlmGateway.Anthropic;

/// <summary>
/// <c>POST /v1/messages</c> as Anthropic's clients know it. Only the vendor's frames; its <c>ping</c> keeps a quiet
/// stream alive. The head waits shortly for the provider, so that a refusal is a status and not a frame.
/// </summary>
internal sealed class MessagesApi(
    ChatProviders providers,
    PushOpener streams,
    LiveRuns live,
    IOptions<LlmOptions> options,
    TimeProvider clock
)
{
    private static readonly byte[] Ping = VendorFrame.Of(new JsonObject { ["type"] = "ping" }, "ping");

    public async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["request-id"] = $"req_{Guid.NewGuid():N}";
        try
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var call = AnthropicCall.Read(body, providers, options.Value);
            var answer = new AnthropicAnswer(call);
            await using var updates = new ProviderAnswer(call, context.RequestAborted, live.GraceOver);
            if (!ChatBody.Flag(body, "stream"))
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
                (push, stopped) => StreamAsync(push, updates, answer, stopped),
                new PushSettings(
                    TimeSpan.FromDays(1),
                    HeartbeatSeconds: options.Value.PingSeconds,
                    Bare: true,
                    Heartbeat: Ping
                )
            );
        }
        catch (InvalidChatException e)
        {
            await AnthropicError.Of(e).WriteAsync(context);
        }
        catch (UpstreamException e)
        {
            await AnthropicError.Of(e).WriteAsync(context);
        }
        catch (OperationCanceledException) when (live.GraceOver.IsCancellationRequested && !context.Response.HasStarted)
        {
            await AnthropicError.Stopping.WriteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
    }

    /// <summary>
    /// <c>POST /v1/messages/count_tokens</c>. The demo model is counted as it counts itself; what another makes of a
    /// text only its provider
    /// knows, and a guess would be taken for its word.
    /// </summary>
    public async Task CountAsync(HttpContext context)
    {
        try
        {
            var call = AnthropicCall.ReadToCount(
                await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes),
                providers,
                options.Value
            );
            if (call.Target.Provider == "demo")
                await TypedResults.Json(new { input_tokens = call.InputTokens }).ExecuteAsync(context);
            else
                await new AnthropicError(
                    404,
                    $"Tokens are counted here for the model demo only; {call.Target.Provider} tells its own count with its answer (usage)."
                ).WriteAsync(context);
        }
        catch (InvalidChatException e)
        {
            await AnthropicError.Of(e).WriteAsync(context);
        }
    }

    private static async Task StreamAsync(
        PushStream push,
        ProviderAnswer updates,
        AnthropicAnswer answer,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
        await push.WriteAsync((byte[])[.. Frame(answer.Start()), .. Ping], events: 0);
        try
        {
            await foreach (var update in updates.ReadAsync())
            foreach (var e in answer.Take(update))
                await push.WriteAsync(Frame(e));
        }
        catch (UpstreamException e)
        {
            await push.WriteAsync(VendorFrame.Of(AnthropicError.Of(e).Body, "error"));
            return;
        }
        catch (OperationCanceledException) when (!stopped.IsCancellationRequested)
        {
            await push.WriteAsync(VendorFrame.Of(AnthropicError.Stopping.Body, "error"));
            return;
        }
        foreach (var e in answer.End())
            await push.WriteAsync(Frame(e), events: 0);
    }

    private static byte[] Frame(JsonObject e) => VendorFrame.Of(e, (string)e["type"]!);
}
