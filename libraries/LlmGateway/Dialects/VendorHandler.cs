using EventStore;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Connections;
using Streaming.Opening;
using Streaming.Refusals;

namespace LlmGateway.Dialects;

/// <summary>
/// Answers requests in a vendor's API, whole or as a stream. A stream has the vendor's frames only: no
/// <c>retry:</c>, and the vendor's heartbeat while the provider is silent.
/// </summary>
internal sealed class VendorHandler(
    RunUpdates runs,
    PushOpener streams,
    IStreamAccess access,
    Shutdown shutdown,
    IOptions<LlmOptions> options,
    TimeProvider clock,
    ILogger<VendorHandler> logger
)
{
    /// <summary>Copies of an answer without streaming in memory: the gathered answer, and the JSON of the
    /// response.</summary>
    private const int Copies = 2;

    /// <summary>Answers a request, with refusals and failures in the vendor's format.</summary>
    public async Task AnswerAsync(HttpContext context, VendorFormat format, Func<Task> respondAsync)
    {
        format.SetHeaders(context.Response.Headers);
        // The endpoint of an application does not say its format.
        context.Features.Set(new RefusalFormat(format.RefuseAsync));
        var isCounted = LongResponse.IsCounted(context);

        try
        {
            await respondAsync();
        }
        catch (Exception e) when (FailureOf(context, e) is { } failure)
        {
            LongResponse.Count(context, isCounted);
            await format.WriteAsync(context, failure);
        }
    }

    /// <summary>Returns the error of a failed request, or null if nobody can be told of it.</summary>
    private VendorError? FailureOf(HttpContext context, Exception exception) =>
        exception switch
        {
            InvalidRequestException e => VendorError.Of(e),
            UpstreamException e => VendorError.Of(e),
            VendorException e => e.Error,
            // An application refuses so what its client has sent.
            BadHttpRequestException e => VendorError.Of(e.StatusCode, e.Message),

            // After the start of the response, a failure breaks the stream.
            _ when context.Response.HasStarted => null,
            StoreUnavailableException => VendorError.NoStore,
            OperationCanceledException when shutdown.GraceExpired.IsCancellationRequested => VendorError.Stopping,
            IOException or RefusedException => null,

            // If the request itself was aborted, the host answers: the cause may be a timeout, not a departed client.
            _ when context.RequestAborted.IsCancellationRequested => null,
            _ => Internal(exception),
        };

    private VendorError Internal(Exception exception)
    {
        logger.LogError(exception, "A request for an answer failed");
        return VendorError.Internal;
    }

    /// <summary>Sends an answer that has begun, whole or as a stream.</summary>
    /// <exception cref="UpstreamException">The answer has failed, and its client gets no stream.</exception>
    public Task SendAsync(HttpContext context, AnswerWriter response, bool isStreamed) =>
        isStreamed
            ? StreamAsync(context, () => Task.FromResult(response), isNew: response.Call is not null)
            : SendWholeAsync(context, response);

    /// <summary>Waits for the end of an answer, and sends all of it.</summary>
    /// <exception cref="UpstreamException">The answer has failed.</exception>
    public async Task SendWholeAsync(HttpContext context, AnswerWriter response)
    {
        await using var updates = Read(context, response);
        LongResponse.Count(context, isCounted: false);
        var held = context.RequestServices.GetRequiredService<RequestBudget>().Hold(context);

        response.Join(response.Start());
        await foreach (var update in updates.ReadAsync())
        {
            response.Join(response.Next(update));
            held.Set(Copies * response.Bytes);
        }

        response.Join(response.End());
        var json = response.ToJson();
        json["model"] = response.Model;
        await WriteAsync(context, json);
    }

    /// <summary>Returns an answer as far as the run has stored it. If the run has failed, the answer has the
    /// failure.</summary>
    public async Task<JsonObject> JoinSoFarAsync(HttpContext context, AnswerWriter response)
    {
        var soFar = await runs.SoFarAsync(context, response.Run);
        response.Join(response.Start());
        foreach (var update in soFar.Updates)
            response.Join(response.Next(update));
        if (soFar.HasEnded)
            response.Join(Last(response, soFar.Failure));

        return response.ToJson();
    }

    public static Task WriteAsync(HttpContext context, JsonObject json) =>
        TypedResults.Json(json, RunJson.Options.TypeOf<JsonObject>()).ExecuteAsync(context);

    /// <summary>Returns the last frames of a run. The end may show that its answer has failed.</summary>
    private static IReadOnlyList<JsonObject> Last(AnswerWriter response, UpstreamException? failure)
    {
        try
        {
            return failure is null ? response.End() : response.Fail(VendorError.Of(failure));
        }
        catch (UpstreamException e)
        {
            return response.Fail(VendorError.Of(e));
        }
    }

    /// <summary>Begins to read a run, or the answer to a call.</summary>
    private AwaitedAnswer Read(HttpContext context, AnswerWriter response)
    {
        var client = access.ClientOf(context).Person;
        return new(
            stop => response.Call?.StreamAsync(stop) ?? runs.ReadAsync(response.Run, client, stop),
            context.RequestAborted,
            shutdown.GraceExpired
        );
    }

    /// <summary>Streams the frames of an answer to its end, without the first <paramref name="skip"/> ones. If the
    /// stream of a run must end earlier, its body breaks, and the client reconnects, unless the format has an error for
    /// that.</summary>
    /// <param name="context">The request.</param>
    /// <param name="beginAsync">Finds or starts the run, and returns what writes it; called once the request has a
    /// seat.</param>
    /// <param name="skip">Number of frames that the client has.</param>
    /// <param name="isNew">True if the failure of an answer that fails within
    /// <see cref="LlmOptions.HeadMilliseconds"/> becomes an HTTP status, as a provider's refusal does. False if such a
    /// failure ends the stream as a frame.</param>
    public async Task StreamAsync(
        HttpContext context,
        Func<Task<AnswerWriter>> beginAsync,
        long skip = 0,
        bool isNew = false
    )
    {
        // The seat comes first: a refused request must not cost the provider's tokens.
        using var seat = await streams.EnterAsync(context);
        if (seat is null)
            return;

        var response = await beginAsync();
        var format = response.Dialect;
        await using var updates = Read(context, response);
        if (isNew)
            await updates.BeginAsync(TimeSpan.FromMilliseconds(options.Value.HeadMilliseconds), clock);

        var isRun = response.Call is null;
        var early = isRun ? format.EarlyEnd(context.Request) : VendorError.Stopping;
        var settings = new PushSettings(
            Grace: isRun ? null : TimeSpan.FromDays(1),
            HeartbeatSeconds: options.Value.PingSeconds,
            Bare: true,
            CutShort: early is null ? null : format.Frame(early),
            Heartbeat: format.Heartbeat,
            Breaks: early is null,
            MaxStall: isRun ? null : ChatCall.MaxStall
        );
        await streams.OpenAsync(
            context,
            isRun ? [response.Run.Name.Topic] : [],
            (push, stopped) => WriteAsync(push, updates, response, settings, skip, stopped),
            settings,
            seat
        );
    }

    /// <summary>Writes the frames of an answer, without the first <paramref name="skip"/> ones. If the body is to
    /// break, any failure except the answer's own breaks it.</summary>
    private async Task WriteAsync(
        PushStream push,
        AwaitedAnswer updates,
        AnswerWriter response,
        PushSettings settings,
        long skip,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
        var format = response.Dialect;
        var hasFailed = false;
        JsonObject? last = null;

        try
        {
            await WriteAsync(response.Start());
            await foreach (var update in updates.ReadAsync())
                await WriteAsync(response.Next(update));
            await WriteAsync(response.End());
        }
        catch (UpstreamException e)
        {
            hasFailed = true;
            await WriteAsync(response.Fail(VendorError.Of(e)));
        }
        catch (Exception e)
            when (settings.CutShort is not null && !push.HasLostClient && !stopped.IsCancellationRequested)
        {
            var isCut = e is OperationCanceledException or StoreUnavailableException;
            await push.WriteAsync(isCut ? settings.CutShort : format.Frame(Internal(e)), events: 0);
            return;
        }

        if (skip > 0)
        {
            skip = 0;
            await WriteAsync(response.Fail(VendorError.Beyond));
        }
        else if (skip == 0 && format.RepeatsEnd)
            await push.WriteAsync(format.Frame(last!), events: 0);

        // The end of a run may be its failure.
        if (format.Done is { } done && (settings.Grace is null || !hasFailed))
            await push.WriteAsync(done, events: 0);

        async Task WriteAsync(IReadOnlyList<JsonObject> frames)
        {
            foreach (var frame in frames)
            {
                var id = response.NextId();
                last = frame;
                if (--skip < 0)
                    await push.WriteAsync(format.Frame(frame, id));
            }
        }
    }
}
