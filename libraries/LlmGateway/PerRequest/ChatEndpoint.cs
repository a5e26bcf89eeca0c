using LlmGateway.Providers;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Connections;
using Streaming.Endpoints;
using Streaming.Opening;

namespace LlmGateway.PerRequest;

/// <summary>
/// <c>POST /sse/chat</c> and <c>POST /sse/backpressure-chat</c>: an answer that lives as long as its request. The
/// reader's drop cancels
/// the provider's request; nothing can be resumed, so the frames have no ids. What should survive is a generation.
/// </summary>
internal sealed class ChatEndpoint(
    ChatProviders providers,
    PushOpener streams,
    IOptions<LlmOptions> options,
    IOptions<DrainOptions> drain
)
{
    /// <summary>Small, so that a reader's pause is felt after some dozens of tokens; the kernel takes no less than
    /// about 4.6 kB.</summary>
    private const int PacedSendBuffer = 4_096;

    private static readonly UpstreamException Stopping = new(
        StatusCodes.Status503ServiceUnavailable,
        "interrupted",
        "The server is stopping; this answer is not whole."
    );

    private TimeSpan Grace => TimeSpan.FromSeconds(drain.Value.DrainSeconds);

    public Task PlainAsync(HttpContext context) => AnswerAsync(context, WritePlainAsync, new PushSettings(Grace));

    public Task PacedAsync(HttpContext context) =>
        AnswerAsync(context, WritePacedAsync, new PushSettings(Grace, PacedSendBuffer, HeartbeatSeconds: 5));

    private async Task AnswerAsync(
        HttpContext context,
        Func<PushStream, ChatFrames, ChatCall, CancellationToken, Task> write,
        PushSettings settings
    )
    {
        var frames = new ChatFrames(context.Request.Query.Flag("named"));
        var call = ChatCall.Read(
            await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes),
            providers,
            options.Value
        );
        await streams.OpenAsync(
            context,
            [],
            async (push, stopped) =>
            {
                try
                {
                    await write(push, frames, call, stopped);
                }
                catch (UpstreamException e)
                {
                    await push.WriteAsync(frames.Error(e));
                }
            },
            settings with
            {
                CutShort = frames.Error(Stopping),
            }
        );
    }

    private static async Task WritePlainAsync(
        PushStream push,
        ChatFrames frames,
        ChatCall call,
        CancellationToken stopped
    )
    {
        await foreach (var update in call.StreamAsync(stopped))
            if (update.Text is { Length: > 0 } text)
                await push.WriteAsync(frames.Content(new { content = text }));
        await push.WriteAsync(frames.Done());
    }

    private static async Task WritePacedAsync(
        PushStream push,
        ChatFrames frames,
        ChatCall call,
        CancellationToken stopped
    )
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stopped);
        var buffer = new PacedBuffer();
        var reading = ReadAsync(over.Token);
        try
        {
            while (await buffer.TakeAsync(over.Token) is { } text)
                await push.WriteAsync(
                    frames.Content(
                        new
                        {
                            content = text,
                            buffer_size = buffer.Count,
                            paused = buffer.IsPaused,
                        }
                    )
                );
            await reading; // its failure, if it had one
            await push.WriteAsync(frames.Done());
        }
        finally
        {
            await over.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task ReadAsync(CancellationToken cancellationToken)
        {
            try
            {
                await foreach (var update in call.StreamAsync(cancellationToken))
                    if (update.Text is { Length: > 0 } text)
                        await buffer.PutAsync(text, cancellationToken);
            }
            finally
            {
                buffer.Complete();
            }
        }
    }
}
