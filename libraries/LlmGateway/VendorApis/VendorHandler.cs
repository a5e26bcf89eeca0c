using System.Text.Json;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Admission;
using Streaming.Connections;
using Streaming.Opening;
using Streaming.Requests;

namespace LlmGateway.VendorApis;

/// <summary>
/// Answers requests in a vendor's API, whole or as a stream. A stream has the vendor's frames only: no ids, no
/// <c>retry:</c>, and the vendor's heartbeat while the provider is silent.
/// </summary>
internal abstract class VendorHandler<TResponse>(
    PushOpener streams,
    IStreamAccess access,
    LiveRuns live,
    IOptions<LlmOptions> options,
    TimeProvider clock,
    ILogger logger
)
    where TResponse : IVendorResponse
{
    /// <summary>Copies of a whole answer in memory: as it is gathered, and as the JSON of the response.</summary>
    private const int Copies = 2;

    protected LlmOptions Options => options.Value;

    protected abstract VendorErrorFormat Errors { get; }

    /// <summary>Frame of a stream whose provider is silent.</summary>
    protected abstract byte[] Heartbeat { get; }

    /// <exception cref="InvalidChatException">The request is invalid.</exception>
    protected abstract (ChatCall Call, TResponse Response) Read(JsonElement body, IHeaderDictionary headers);

    /// <summary>Writes an answer's frames, from its first to its last.</summary>
    protected abstract Task WriteAsync(PushStream push, ProviderAnswer updates, TResponse response);

    /// <summary>Returns the frame with which an error ends a stream.</summary>
    protected abstract byte[] Frame(VendorError error);

    public async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers[Errors.RequestIdHeader] = $"req_{Guid.NewGuid():N}";
        try
        {
            await RespondAsync(context);
        }
        catch (InvalidChatException e)
        {
            await Errors.WriteAsync(context, VendorError.Of(e));
        }
        catch (UpstreamException e)
        {
            await Errors.WriteAsync(context, VendorError.Of(e));
        }
        catch (OperationCanceledException)
            when (live.GraceExpired.IsCancellationRequested && !context.Response.HasStarted)
        {
            await Errors.WriteAsync(context, VendorError.Stopping);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
        catch (Exception e) when (e is not (IOException or RefusedException) && !context.Response.HasStarted)
        {
            logger.LogError(e, "A request for an answer failed");
            await Errors.WriteAsync(context, VendorError.Internal);
        }
    }

    private async Task RespondAsync(HttpContext context)
    {
        var body = await ChatBody.ReadAsync(context, Options.MaxRequestBytes);
        var start = clock.GetTimestamp();
        var (call, response) = Read(body, context.Request.Headers);
        if (ChatBody.Flag(body, "stream"))
            await RespondWithStreamAsync(context, call, response, start);
        else
            await RespondWholeAsync(context, call, response);
    }

    private async Task RespondWholeAsync(HttpContext context, ChatCall call, TResponse response)
    {
        await using var updates = Ask(context, call);
        var held = context.RequestServices.GetRequiredService<RequestBudget>().Hold(context);
        await foreach (var update in updates.ReadAsync())
        {
            response.Take(update);
            held.Set(Copies * response.Bytes);
        }
        await TypedResults.Json(response.Whole(), RunJson.Options).ExecuteAsync(context);
    }

    /// <summary>Opens the stream once the provider has begun, or after <see cref="LlmOptions.HeadMilliseconds"/> since
    /// <paramref name="start"/>: until then its failure has a status of its own.</summary>
    private async Task RespondWithStreamAsync(HttpContext context, ChatCall call, TResponse response, long start)
    {
        // The seat comes first: a refused request must not cost the provider's tokens.
        using var seat = await streams.EnterAsync(context);
        if (seat is null)
            return;
        await using var updates = Ask(context, call);
        var waiting = TimeSpan.FromMilliseconds(Options.HeadMilliseconds) - clock.GetElapsedTime(start);
        await updates.BeginAsync(waiting > TimeSpan.Zero ? waiting : TimeSpan.Zero, clock);
        await streams.OpenAsync(
            context,
            [],
            (push, stopped) => StreamAsync(push, updates, response, stopped),
            new PushSettings(
                TimeSpan.FromDays(1),
                HeartbeatSeconds: Options.PingSeconds,
                Bare: true,
                CutShort: Frame(VendorError.Stopping),
                Heartbeat: Heartbeat,
                MaxStall: TimeSpan.FromSeconds(Options.MaxStallSeconds)
            ),
            seat
        );
    }

    private ProviderAnswer Ask(HttpContext context, ChatCall call) =>
        new(call.From(access.ClientOf(context)), context.RequestAborted, live.GraceExpired);

    private async Task StreamAsync(
        PushStream push,
        ProviderAnswer updates,
        TResponse response,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
        try
        {
            await WriteAsync(push, updates, response);
        }
        catch (UpstreamException e)
        {
            await push.WriteAsync(Frame(VendorError.Of(e)));
        }
        catch (OperationCanceledException) when (!stopped.IsCancellationRequested)
        {
            await push.WriteAsync(Frame(VendorError.Stopping));
        }
        // The other three belong to the stream itself: its end, its client, a client that does not read.
        catch (Exception e) when (e is not (OperationCanceledException or IOException or TimeoutException))
        {
            logger.LogError(e, "An answer failed");
            await push.WriteAsync(Frame(VendorError.Internal));
        }
    }
}
