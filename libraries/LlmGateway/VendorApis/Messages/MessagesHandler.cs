using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Connections;
using Streaming.Opening;

namespace LlmGateway.VendorApis.Messages;

/// <summary>
/// Answers a Messages request, whole or as a stream, and counts tokens. A stream has the vendor's frames only, its
/// <c>ping</c> while the provider is silent.
/// </summary>
internal sealed class MessagesHandler(
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
            var call = MessagesRequestReader.Read(body, providers, options.Value);
            var response = new MessagesResponse(call);
            await using var updates = new ProviderAnswer(call, context.RequestAborted, live.GraceExpired);
            if (!ChatBody.Flag(body, "stream"))
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
                (push, stopped) => StreamAsync(push, updates, response, stopped),
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
        catch (OperationCanceledException)
            when (live.GraceExpired.IsCancellationRequested && !context.Response.HasStarted)
        {
            await AnthropicError.Stopping.WriteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
    }

    /// <summary>
    /// Counts the tokens of a request to the demo model. Other models are refused: only their providers know the count,
    /// and clients would trust an estimate.
    /// </summary>
    public async Task CountAsync(HttpContext context)
    {
        try
        {
            var call = MessagesRequestReader.ReadToCount(
                await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes),
                providers,
                options.Value
            );
            if (call.Target.Provider == "demo")
                await TypedResults.Json(new { input_tokens = call.InputTokens }).ExecuteAsync(context);
            else
                await new AnthropicError(
                    404,
                    "This server counts tokens for the model demo only. "
                        + $"{call.Target.Provider} reports its count in each response, as usage."
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
        MessagesResponse response,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
        await push.WriteAsync((byte[])[.. Frame(response.Start()), .. Ping], events: 0);
        try
        {
            await foreach (var update in updates.ReadAsync())
            foreach (var e in response.Take(update))
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
        foreach (var e in response.End())
            await push.WriteAsync(Frame(e), events: 0);
    }

    private static byte[] Frame(JsonObject e) => VendorFrame.Of(e, (string)e["type"]!);
}
