using EventStore;
using LlmGateway.Generations;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Connections;
using Streaming.Opening;

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
            InvalidChatException e => VendorError.Of(e),
            InvalidRequestException e => new VendorError(e.Status, null, $"{e.Field}: {e.Problem}", e.Field),
            UpstreamException e => VendorError.Of(e),
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

    /// <summary>Streams the frames of a run to its end, without the first <paramref name="skip"/> ones. If the stream
    /// must end earlier, its body breaks, and the client reconnects, unless the format has an error for that.</summary>
    /// <param name="context">The request.</param>
    /// <param name="format">The dialect.</param>
    /// <param name="beginAsync">Finds or starts the run; called once the request has a seat.</param>
    /// <param name="respond">Makes the frames.</param>
    /// <param name="skip">Number of frames that the client has.</param>
    /// <param name="isNew">True if the failure of a run that fails at once becomes an HTTP status, as a provider's
    /// refusal does. False if such a failure ends the stream as a frame.</param>
    public Task StreamAsync(
        HttpContext context,
        VendorFormat format,
        Func<Task<RunHead>> beginAsync,
        Func<RunHead, AnswerWriter> respond,
        long skip = 0,
        bool isNew = false
    )
    {
        var early = format.EarlyEnd(context.Request) is { } error ? format.Frame(format.Body(error)) : null;
        var settings = new PushSettings(Breaks: early is null, CutShort: early);
        return StreamAsync(context, format, beginAsync, run => Read(context, run), respond, settings, skip, isNew);
    }

    /// <summary>Sends the answer of a run: its frames if the body asks for a stream, else the whole answer once the run
    /// has ended. Its model is the one that the body names, until the run names its own.</summary>
    /// <exception cref="UpstreamException">The run has failed, and its client gets no stream.</exception>
    public Task SendAsync(
        HttpContext context,
        VendorFormat format,
        RunHead run,
        Func<RunHead, JsonElement, AnswerWriter> respond,
        JsonElement body
    )
    {
        ChatBody.Checked(body);
        var response = respond(run with { Model = run.Model ?? ChatBody.Name(body, "model") }, body);
        return ChatBody.Flag(body, "stream")
            ? StreamAsync(context, format, () => Task.FromResult(run), _ => response)
            : SendWholeAsync(context, run, response);
    }

    /// <summary>Waits for a run's end, and sends the whole answer.</summary>
    /// <exception cref="UpstreamException">The run has failed.</exception>
    public async Task SendWholeAsync(HttpContext context, RunHead run, AnswerWriter response)
    {
        await using var updates = Read(context, run);
        await SendWholeAsync(context, updates, response);
    }

    /// <summary>Returns an answer as far as the run has stored it. If the run has failed, the answer has the
    /// failure.</summary>
    public async Task<JsonObject> JoinSoFarAsync(HttpContext context, RunHead run, AnswerWriter response)
    {
        var soFar = await SoFarAsync(context, run);
        var answer = response.Join();

        Add(answer, response.Start());
        foreach (var update in soFar.Updates)
            Add(answer, response.Next(update));
        if (soFar.HasEnded)
            Add(answer, Last(response, soFar.Failure));

        return answer.ToJson();
    }

    /// <inheritdoc cref="RunUpdates.SoFarAsync(HttpContext, RunHead)"/>
    public Task<RunSoFar> SoFarAsync(HttpContext context, RunHead run) => runs.SoFarAsync(context, run);

    /// <summary>Sends an answer that ends with its request, whole or as a stream. A stream opens once the provider has
    /// begun, or after <see cref="LlmOptions.HeadMilliseconds"/>, so that an early failure is an HTTP status.</summary>
    public async Task AskAsync(
        HttpContext context,
        VendorFormat format,
        ChatCall call,
        Func<RunHead, AnswerWriter> respond,
        bool isStreamed
    )
    {
        var answer = new RunHead(
            new RunName(ChatCall.Topic, $"{Guid.NewGuid():N}"),
            At: default,
            clock.GetUtcNow(),
            call.Target.Provider,
            call.Target.Model,
            Owner: null
        );

        if (isStreamed)
        {
            var settings = new PushSettings(
                Grace: TimeSpan.FromDays(1),
                CutShort: format.Frame(format.Body(VendorError.Stopping)),
                MaxStall: ChatCall.MaxStall
            );
            await StreamAsync(context, format, () => Task.FromResult(answer), Ask, respond, settings, isNew: true);
        }
        else
        {
            await using var updates = Ask(answer);
            await SendWholeAsync(context, updates, respond(answer));
        }

        AwaitedAnswer Ask(RunHead _) =>
            new(call.From(access.ClientOf(context)).StreamAsync, context.RequestAborted, shutdown.GraceExpired);
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

    private static async Task SendWholeAsync(HttpContext context, AwaitedAnswer updates, AnswerWriter response)
    {
        LongResponse.Count(context, isCounted: false);
        var held = context.RequestServices.GetRequiredService<RequestBudget>().Hold(context);
        var whole = response.Join();

        Add(whole, response.Start());
        await foreach (var update in updates.ReadAsync())
        {
            Add(whole, response.Next(update));
            held.Set(Copies * whole.Bytes);
        }

        Add(whole, response.End());
        var json = whole.ToJson();
        json["model"] = response.Model;
        await WriteAsync(context, json);
    }

    private static void Add(IJoinedAnswer whole, IReadOnlyList<JsonObject> frames)
    {
        foreach (var frame in frames)
            whole.Add(frame);
    }

    private AwaitedAnswer Read(HttpContext context, RunHead run)
    {
        var client = access.ClientOf(context).Person;
        return new(
            stop => runs.ReadAsync(run, client, cancellationToken: stop),
            context.RequestAborted,
            shutdown.GraceExpired
        );
    }

    private async Task StreamAsync(
        HttpContext context,
        VendorFormat format,
        Func<Task<RunHead>> beginAsync,
        Func<RunHead, AwaitedAnswer> read,
        Func<RunHead, AnswerWriter> respond,
        PushSettings settings,
        long skip = 0,
        bool isNew = false
    )
    {
        // The seat comes first: a refused request must not cost the provider's tokens.
        using var seat = await streams.EnterAsync(context);
        if (seat is null)
            return;

        var run = await beginAsync();
        await using var updates = read(run);
        if (isNew)
            await updates.BeginAsync(TimeSpan.FromMilliseconds(options.Value.HeadMilliseconds), clock);

        settings = settings with
        {
            HeartbeatSeconds = options.Value.PingSeconds,
            Bare = true,
            Heartbeat = format.Heartbeat,
        };
        await streams.OpenAsync(
            context,
            settings.Grace is null ? [run.Name.Topic] : [],
            (push, stopped) => WriteAsync(push, format, updates, respond(run), settings, skip, stopped),
            settings,
            seat
        );
    }

    /// <summary>Writes the frames of an answer, without the first <paramref name="skip"/> ones. If the body is to
    /// break, any failure except the answer's own breaks it.</summary>
    private async Task WriteAsync(
        PushStream push,
        VendorFormat format,
        AwaitedAnswer updates,
        AnswerWriter response,
        PushSettings settings,
        long skip,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
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
            await push.WriteAsync(isCut ? settings.CutShort : format.Frame(format.Body(Internal(e))), events: 0);
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
