using System.Text.Json.Nodes;
using EventStore;
using LlmGateway.Providers;
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
internal sealed class VendorHandler(
    ChatProviders providers,
    PushOpener streams,
    IStreamAccess access,
    LiveRuns live,
    IOptions<LlmOptions> options,
    TimeProvider clock,
    ILogger<VendorHandler> logger
)
{
    /// <summary>Copies of a whole answer in memory: as it is gathered, and as the JSON of the response.</summary>
    private const int Copies = 2;

    public async Task AnswerAsync(HttpContext context, VendorFormat format)
    {
        context.Response.Headers[format.RequestIdHeader] = $"req_{Guid.NewGuid():N}";
        try
        {
            await RespondAsync(context, format);
        }
        catch (InvalidChatException e)
        {
            await format.WriteAsync(context, VendorError.Of(e));
        }
        catch (UpstreamException e)
        {
            await format.WriteAsync(context, VendorError.Of(e));
        }
        catch (OperationCanceledException)
            when (live.GraceExpired.IsCancellationRequested && !context.Response.HasStarted)
        {
            await format.WriteAsync(context, VendorError.Stopping);
        }
        // The request's own end is for the host to answer: it may be a timeout, not a departed client.
        catch (Exception e)
            when (e is not (IOException or RefusedException)
                && !context.RequestAborted.IsCancellationRequested
                && !context.Response.HasStarted
            )
        {
            logger.LogError(e, "A request for an answer failed");
            await format.WriteAsync(context, VendorError.Internal);
        }
    }

    private async Task RespondAsync(HttpContext context, VendorFormat format)
    {
        var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
        var start = clock.GetTimestamp();
        var call = format.Read(body, context.Request.Headers, providers);
        var response = format.Respond(call, body, clock);

        if (ChatBody.Flag(body, "stream"))
            await RespondWithStreamAsync(context, format, call, response, start);
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
        await TypedResults.Json(json, RunJson.Options.TypeOf<JsonObject>()).ExecuteAsync(context);

        void Add(IEnumerable<JsonObject> frames)
        {
            foreach (var frame in frames)
                whole.Add(frame);
        }
    }

    /// <summary>Opens the stream once the provider has begun, or after <see cref="LlmOptions.HeadMilliseconds"/> since
    /// <paramref name="start"/>: until then its failure has a status of its own.</summary>
    private async Task RespondWithStreamAsync(
        HttpContext context,
        VendorFormat format,
        ChatCall call,
        IVendorResponse response,
        long start
    )
    {
        // The seat comes first: a refused request must not cost the provider's tokens.
        using var seat = await streams.EnterAsync(context);
        if (seat is null)
            return;

        var limits = options.Value;
        await using var updates = Ask(context, call);
        var waiting = TimeSpan.FromMilliseconds(limits.HeadMilliseconds) - clock.GetElapsedTime(start);

        await updates.BeginAsync(waiting > TimeSpan.Zero ? waiting : TimeSpan.Zero, clock);
        await streams.OpenAsync(
            context,
            [],
            (push, stopped) => StreamAsync(push, format, updates, response, stopped),
            new PushSettings(
                TimeSpan.FromDays(1),
                HeartbeatSeconds: limits.PingSeconds,
                Bare: true,
                CutShort: format.Frame(VendorError.Stopping),
                Heartbeat: format.Heartbeat,
                MaxStall: ChatCall.MaxStall
            ),
            seat
        );
    }

    private ProviderAnswer Ask(HttpContext context, ChatCall call) =>
        new(call.From(access.ClientOf(context)), context.RequestAborted, live.GraceExpired);

    private async Task StreamAsync(
        PushStream push,
        VendorFormat format,
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
            if (format.Done is { } done)
                await push.WriteAsync(done, events: 0);
        }
        catch (UpstreamException e)
        {
            await push.WriteAsync(format.Frame(VendorError.Of(e)));
        }
        catch (OperationCanceledException) when (!stopped.IsCancellationRequested)
        {
            await push.WriteAsync(format.Frame(VendorError.Stopping));
        }
        catch (Exception e) when (!push.HasLostClient && !stopped.IsCancellationRequested)
        {
            logger.LogError(e, "An answer failed");
            await push.WriteAsync(format.Frame(VendorError.Internal));
        }

        async Task WriteAsync(IEnumerable<JsonObject> frames)
        {
            foreach (var frame in frames)
                await push.WriteAsync(format.Frame(frame));
        }
    }
}
