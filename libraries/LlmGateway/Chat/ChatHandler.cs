using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Opening;

namespace LlmGateway.Chat;

/// <summary>
/// Streams an answer that ends with its request: a disconnect cancels the provider's request. Nothing can be resumed,
/// so the frames have no ids.
/// </summary>
internal sealed class ChatHandler(
    ChatProviders providers,
    PushOpener streams,
    IStreamAccess access,
    RequestBudget budget,
    IOptions<LlmOptions> options,
    IOptions<RunOptions> runs
)
{
    /// <summary>Bytes of the send buffer, few so that a pause of the reader takes effect after some dozens of
    /// tokens.</summary>
    private const int PacedSendBuffer = 4_096; // Linux makes it about 4.6 kB

    private static readonly UpstreamException Stopping = new(
        StatusCodes.Status503ServiceUnavailable,
        "interrupted",
        "The server has ended this answer before it was complete. Ask again."
    );

    private TimeSpan Grace => TimeSpan.FromSeconds(runs.Value.DrainSeconds);

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
        var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
        var table = RequestTable.ChatCompletions with { IgnoresUnknown = true };
        var call = ChatCall.Read(body, providers, table).From(access.ClientOf(context));
        if (call.Options.Tools is { Count: > 0 })
            throw new InvalidChatException(
                "tools",
                "Unsupported parameter: tools. These frames have text only; /v1/generations takes tools.",
                code: InvalidChatException.UnsupportedParameter
            );

        await streams.OpenAsync(
            context,
            [],
            async (push, stopped) =>
            {
                // A paced stream takes its connection over and outlives the request, so it counts the prompt's memory
                // itself.
                using var kept = settings.SendBuffer is null ? null : budget.Keep(call.Options.Client, call.Bytes);
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
                MaxStall = ChatCall.MaxStall,
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
            if (UnshownContent.TextOf(update) is { Length: > 0 } text)
                await push.WriteAsync(frames.Content(new ChatContent(text)));
        await push.WriteAsync(frames.Done());
    }

    private static async Task WritePacedAsync(
        PushStream push,
        ChatFrames frames,
        ChatCall call,
        CancellationToken stopped
    )
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopped);
        var buffer = new PacedBuffer();

        var reading = ReadAsync(ended.Token);
        try
        {
            while (await buffer.TakeAsync(ended.Token) is { } text)
                await push.WriteAsync(frames.Content(new PacedContent(text, buffer.Count, buffer.IsPaused)));

            await reading; // throws if the provider failed
            await push.WriteAsync(frames.Done());
        }
        finally
        {
            await ended.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task ReadAsync(CancellationToken cancellationToken)
        {
            try
            {
                await foreach (var update in call.StreamAsync(cancellationToken))
                    if (UnshownContent.TextOf(update) is { Length: > 0 } text)
                        await buffer.PutAsync(text, cancellationToken);
            }
            finally
            {
                buffer.Complete();
            }
        }
    }
}
