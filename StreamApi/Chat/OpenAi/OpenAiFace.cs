using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using StreamApi.Chat.Providers;
using StreamApi.Runs;
using StreamApi.Streaming;
using StreamApi.Streaming.Connections;

namespace StreamApi.Chat.OpenAi;

/// <summary>
/// <c>POST /v1/chat/completions</c> as OpenAI's clients know it. Only the vendor's frames: no ids, no <c>retry:</c>, no comments. The
/// status waits for the provider's first token, so that a refusal is a status and not a frame.
/// </summary>
internal sealed class OpenAiFace(ChatProviders providers, Streams streams, LiveRuns live, IOptions<LlmOptions> options, TimeProvider clock)
{
    public async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["x-request-id"] = $"req_{Guid.NewGuid():N}";
        try
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var call = OpenAiCall.Read(body, providers);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, live.GraceOver);
            await using var updates = call.StreamAsync(stop.Token).GetAsyncEnumerator(stop.Token);
            var any = await updates.MoveNextAsync();
            var answer = new OpenAiAnswer(call.Target.Model, clock);
            if (!ChatBody.Flag(body, "stream")) { await WholeAsync(context, updates, any, answer); return; }
            var usage = ChatBody.Get(body, "stream_options") is { ValueKind: JsonValueKind.Object } wanted && ChatBody.Flag(wanted, "include_usage");
            await streams.OpenPushAsync(context, [], (push, stopped) => StreamAsync(push, updates, any, answer, usage, stop, stopped),
                new PushSettings(TimeSpan.FromDays(1), Bare: true));
        }
        catch (InvalidChatException e) { await OpenAiError.Of(e).WriteAsync(context); }
        catch (UpstreamException e) { await OpenAiError.Of(e).WriteAsync(context); }
        catch (OperationCanceledException) when (live.GraceOver.IsCancellationRequested && !context.Response.HasStarted) { await OpenAiError.Stopping.WriteAsync(context); }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
    }

    private static async Task WholeAsync(HttpContext context, IAsyncEnumerator<ChatResponseUpdate> updates, bool any, OpenAiAnswer answer)
    {
        for (; any; any = await updates.MoveNextAsync()) answer.Take(updates.Current);
        await TypedResults.Json(answer.Whole(), RunJson.Options).ExecuteAsync(context);
    }

    private static async Task StreamAsync(
        PushStream push, IAsyncEnumerator<ChatResponseUpdate> updates, bool any, OpenAiAnswer answer, bool usage, CancellationTokenSource stop, CancellationToken stopped)
    {
        await using var registration = stopped.Register(stop.Cancel);
        await push.WriteAsync(VendorFrame.Of(answer.Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" }, usage: usage)), events: 0);
        try
        {
            for (; any; any = await updates.MoveNextAsync())
                foreach (var delta in answer.Take(updates.Current)) await push.WriteAsync(VendorFrame.Of(answer.Chunk(delta, usage: usage)));
        }
        catch (UpstreamException e) { await push.WriteAsync(VendorFrame.Of(OpenAiError.Of(e).Body)); return; }
        catch (OperationCanceledException) when (!stopped.IsCancellationRequested) { await push.WriteAsync(VendorFrame.Of(OpenAiError.Stopping.Body)); return; }
        await push.WriteAsync(VendorFrame.Of(answer.Chunk([], answer.FinishReason, usage)), events: 0);
        if (usage) await push.WriteAsync(VendorFrame.Of(answer.UsageChunk()), events: 0);
        await push.WriteAsync(VendorFrame.Of("[DONE]"), events: 0);
    }
}
