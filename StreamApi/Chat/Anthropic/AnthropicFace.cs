using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using StreamApi.Chat.Providers;
using StreamApi.Runs;
using StreamApi.Streaming;
using StreamApi.Streaming.Connections;

namespace StreamApi.Chat.Anthropic;

/// <summary><c>POST /v1/messages</c> as Anthropic's clients know it. Only the vendor's frames; its <c>ping</c> keeps a quiet stream alive.</summary>
internal sealed class AnthropicFace(ChatProviders providers, Streams streams, LiveRuns live, IOptions<LlmOptions> options, TimeProvider clock)
{
    private static readonly TimeSpan PingAfter = TimeSpan.FromSeconds(10);
    private static readonly byte[] Ping = VendorFrame.Of(new JsonObject { ["type"] = "ping" }, "ping");

    public async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["request-id"] = $"req_{Guid.NewGuid():N}";
        try
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var call = AnthropicCall.Read(body, providers);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, live.GraceOver);
            await using var updates = call.StreamAsync(stop.Token).GetAsyncEnumerator(stop.Token);
            var any = await updates.MoveNextAsync();
            var answer = new AnthropicAnswer(call);
            if (!ChatBody.Flag(body, "stream"))
            {
                for (; any; any = await updates.MoveNextAsync()) answer.Take(updates.Current);
                await TypedResults.Json(answer.Whole(), RunJson.Options).ExecuteAsync(context);
                return;
            }
            await streams.OpenPushAsync(context, [], (push, stopped) => StreamAsync(push, updates, any, answer, stop, stopped), new PushSettings(TimeSpan.FromDays(1), Bare: true));
        }
        catch (InvalidChatException e) { await AnthropicError.Of(e).WriteAsync(context); }
        catch (UpstreamException e) { await AnthropicError.Of(e).WriteAsync(context); }
        catch (OperationCanceledException) when (live.GraceOver.IsCancellationRequested && !context.Response.HasStarted) { await AnthropicError.Stopping.WriteAsync(context); }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
    }

    /// <summary>
    /// <c>POST /v1/messages/count_tokens</c>. The demo model is counted as it counts itself; what another makes of a text only its provider
    /// knows, and a guess would be taken for its word.
    /// </summary>
    public async Task CountAsync(HttpContext context)
    {
        try
        {
            var call = AnthropicCall.ReadToCount(await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes), providers);
            if (call.Target.Provider == "demo") await TypedResults.Json(new { input_tokens = call.InputTokens }).ExecuteAsync(context);
            else await new AnthropicError(404, $"Tokens are counted here for the model demo only; {call.Target.Provider} tells its own count with its answer (usage).").WriteAsync(context);
        }
        catch (InvalidChatException e) { await AnthropicError.Of(e).WriteAsync(context); }
    }

    private async Task StreamAsync(PushStream push, IAsyncEnumerator<ChatResponseUpdate> updates, bool any, AnthropicAnswer answer, CancellationTokenSource stop, CancellationToken stopped)
    {
        await using var registration = stopped.Register(stop.Cancel);
        await push.WriteAsync((byte[])[.. Frame(answer.Start()), .. Ping], events: 0);
        try
        {
            while (any)
            {
                foreach (var e in answer.Take(updates.Current)) await push.WriteAsync(Frame(e));
                any = await NextAsync();
            }
        }
        catch (UpstreamException e) { await push.WriteAsync(VendorFrame.Of(AnthropicError.Of(e).Body, "error")); return; }
        catch (OperationCanceledException) when (!stopped.IsCancellationRequested) { await push.WriteAsync(VendorFrame.Of(AnthropicError.Stopping.Body, "error")); return; }
        foreach (var e in answer.End()) await push.WriteAsync(Frame(e), events: 0);

        async Task<bool> NextAsync()
        {
            var next = updates.MoveNextAsync().AsTask();
            try
            {
                while (!next.IsCompleted)
                {
                    try { await next.WaitAsync(PingAfter, clock, stopped); }
                    catch (TimeoutException) { await push.WriteAsync(Ping, events: 0); }
                }
                return await next;
            }
            catch when (!next.IsCompleted)
            {
                // The reader is gone; an enumerator must not be left in mid-step.
                await stop.CancelAsync();
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw;
            }
        }
    }

    private static byte[] Frame(JsonObject e) => VendorFrame.Of(e, (string)e["type"]!);
}
