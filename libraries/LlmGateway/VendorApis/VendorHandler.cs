using System.Text.Json;
using System.Text.Json.Nodes;
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
internal abstract class VendorHandler(
    PushOpener streams,
    IStreamAccess access,
    LiveRuns live,
    IOptions<LlmOptions> options,
    TimeProvider clock,
    ILogger logger
)
{
    /// <summary>Copies of a whole answer in memory: as it is gathered, and as the JSON of the response.</summary>
    private const int Copies = 2;

    protected LlmOptions Options => options.Value;

    protected abstract VendorErrorFormat Errors { get; }

    /// <summary>Frame of a stream whose provider is silent.</summary>
    protected abstract byte[] Heartbeat { get; }

    /// <summary>Frame that follows a complete answer; null: the answer has its own end.</summary>
    protected virtual byte[]? Done => null;

    /// <exception cref="InvalidChatException">The request is invalid.</exception>
    protected abstract (ChatCall Call, IVendorResponse Response) Read(JsonElement body, IHeaderDictionary headers);

    /// <summary>Encodes a frame of an answer, or an error.</summary>
    protected abstract byte[] Frame(JsonObject frame);

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

    private async Task RespondWholeAsync(HttpContext context, ChatCall call, IVendorResponse response)
    {
        await using var updates = Ask(context, call);
        var held = context.RequestServices.GetRequiredService<RequestBudget>().Hold(context);
        var whole = response.Join();
        Add(response.Start());
        await foreach (var update in updates.ReadAsync())
        {
            Add(response.Take(update));
            held.Set(Copies * whole.Bytes);
        }
        Add(response.End());

        var json = whole.ToJson();
        json["model"] = response.Model;
        await TypedResults.Json(json, RunJson.Options).ExecuteAsync(context);

        void Add(IEnumerable<JsonObject> frames)
        {
            foreach (var frame in frames)
                whole.Add(frame);
        }
    }

    /// <summary>Opens the stream once the provider has begun, or after <see cref="LlmOptions.HeadMilliseconds"/> since
    /// <paramref name="start"/>: until then its failure has a status of its own.</summary>
    private async Task RespondWithStreamAsync(HttpContext context, ChatCall call, IVendorResponse response, long start)
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

    private byte[] Frame(VendorError error) => Frame(Errors.Body(error));

    private ProviderAnswer Ask(HttpContext context, ChatCall call) =>
        new(call.From(access.ClientOf(context)), context.RequestAborted, live.GraceExpired);

    private async Task StreamAsync(
        PushStream push,
        ProviderAnswer updates,
        IVendorResponse response,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
        try
        {
            await WriteAsync(response.Start());
            await foreach (var update in updates.ReadAsync())
                await WriteAsync(response.Take(update));
            await WriteAsync(response.End());
            if (Done is not null)
                await push.WriteAsync(Done, events: 0);
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

        async Task WriteAsync(IEnumerable<JsonObject> frames)
        {
            foreach (var frame in frames)
                await push.WriteAsync(Frame(frame));
        }
    }
}
