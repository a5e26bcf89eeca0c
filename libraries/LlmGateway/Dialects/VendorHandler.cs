using System.Text.Json.Nodes;
using EventStore;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Connections;
using Streaming.Opening;

namespace LlmGateway.Dialects;

/// <summary>
/// Answers requests in a vendor's API, whole or as a stream. A stream has the vendor's frames only: no ids, no
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

    public Task AnswerAsync(HttpContext context, VendorFormat format) =>
        AnswerAsync(context, format, () => RespondAsync(context, format));

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
    /// must end earlier, its body breaks, and the client reconnects.</summary>
    /// <param name="context">The request.</param>
    /// <param name="format">The dialect.</param>
    /// <param name="beginAsync">Finds or starts the run; called once the request has a seat.</param>
    /// <param name="respond">Makes the frames.</param>
    /// <param name="skip">Number of frames that the client has.</param>
    /// <param name="isNew">True if the failure of a run that fails at once becomes an HTTP status, as a provider's
    /// refusal does. False if such a failure ends the stream as a frame.</param>
    public async Task StreamAsync(
        HttpContext context,
        VendorFormat format,
        Func<Task<RunHead>> beginAsync,
        Func<RunHead, IAnswerWriter> respond,
        long skip = 0,
        bool isNew = false
    )
    {
        using var seat = await streams.EnterAsync(context);
        if (seat is null)
            return;

        var run = await beginAsync();
        await using var updates = Read(context, run);
        if (isNew)
            await updates.BeginAsync(TimeSpan.FromMilliseconds(options.Value.HeadMilliseconds), clock);

        await streams.OpenAsync(
            context,
            [run.Name.Topic],
            (push, stopped) => StreamAsync(push, format, updates, respond(run), skip, isRun: true, stopped),
            Settings(format) with
            {
                Breaks = true,
            },
            seat
        );
    }

    /// <summary>Waits for a run's end, and returns the whole answer.</summary>
    /// <exception cref="UpstreamException">The run has failed.</exception>
    public async Task<JsonObject> JoinAsync(HttpContext context, RunHead run, IAnswerWriter response)
    {
        await using var updates = Read(context, run);
        return await JoinAsync(context, updates, response);
    }

    /// <summary>Returns an answer as far as the run has stored it. If the run has failed, the answer has the
    /// failure.</summary>
    public async Task<JsonObject> JoinSoFarAsync(HttpContext context, RunHead run, IAnswerWriter response)
    {
        var soFar = await runs.SoFarAsync(context, run);
        var answer = response.Join();

        foreach (var frame in response.Start().Concat(soFar.Updates.SelectMany(response.Next)))
            answer.Add(frame);
        if (soFar.HasEnded)
            foreach (var frame in Last(response, soFar.Failure))
                answer.Add(frame);

        return answer.ToJson();
    }

    /// <summary>Returns the last frames of a run. The end may show that its answer has failed.</summary>
    private static IReadOnlyList<JsonObject> Last(IAnswerWriter response, UpstreamException? failure)
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

    private async Task RespondAsync(HttpContext context, VendorFormat format)
    {
        var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
        var start = clock.GetTimestamp();
        var providers = context.RequestServices.GetRequiredService<ChatProviders>();
        var call = format.Read(body, context.Request.Headers, providers);
        var response = format.Respond(call, body, clock);

        if (ChatBody.Flag(body, "stream"))
            await RespondWithStreamAsync(context, format, call, response, start);
        else
            await RespondWholeAsync(context, call, response);
    }

    private async Task RespondWholeAsync(HttpContext context, ChatCall call, IAnswerWriter response)
    {
        await using var updates = Ask(context, call);
        var json = await JoinAsync(context, updates, response);
        json["model"] = response.Model;
        await TypedResults.Json(json, RunJson.Options.TypeOf<JsonObject>()).ExecuteAsync(context);
    }

    private static async Task<JsonObject> JoinAsync(HttpContext context, AwaitedAnswer updates, IAnswerWriter response)
    {
        LongResponse.Count(context, isCounted: false);
        var held = context.RequestServices.GetRequiredService<RequestBudget>().Hold(context);
        var whole = response.Join();

        Add(response.Start());

        await foreach (var update in updates.ReadAsync())
        {
            Add(response.Next(update));
            held.Set(Copies * whole.Bytes);
        }

        Add(response.End());
        return whole.ToJson();

        void Add(IEnumerable<JsonObject> frames)
        {
            foreach (var frame in frames)
                whole.Add(frame);
        }
    }

    /// <summary>Opens the stream once the provider has begun, or after <see cref="LlmOptions.HeadMilliseconds"/> since
    /// <paramref name="start"/>: until then, a failure of the provider becomes an HTTP status.</summary>
    private async Task RespondWithStreamAsync(
        HttpContext context,
        VendorFormat format,
        ChatCall call,
        IAnswerWriter response,
        long start
    )
    {
        // The seat comes first: a refused request must not cost the provider's tokens.
        using var seat = await streams.EnterAsync(context);
        if (seat is null)
            return;

        await using var updates = Ask(context, call);
        var waiting = TimeSpan.FromMilliseconds(options.Value.HeadMilliseconds) - clock.GetElapsedTime(start);

        await updates.BeginAsync(waiting > TimeSpan.Zero ? waiting : TimeSpan.Zero, clock);
        await streams.OpenAsync(
            context,
            [],
            (push, stopped) => StreamAsync(push, format, updates, response, skip: 0, isRun: false, stopped),
            Settings(format) with
            {
                Grace = TimeSpan.FromDays(1),
                CutShort = format.Frame(VendorError.Stopping),
                MaxStall = ChatCall.MaxStall,
            },
            seat
        );
    }

    private PushSettings Settings(VendorFormat format) =>
        new(HeartbeatSeconds: options.Value.PingSeconds, Bare: true, Heartbeat: format.Heartbeat);

    private AwaitedAnswer Ask(HttpContext context, ChatCall call) =>
        new(call.From(access.ClientOf(context)).StreamAsync, context.RequestAborted, shutdown.GraceExpired);

    private AwaitedAnswer Read(HttpContext context, RunHead run)
    {
        var client = access.ClientOf(context).Person;
        return new(
            stop => runs.ReadAsync(run, client, cancellationToken: stop),
            context.RequestAborted,
            shutdown.GraceExpired
        );
    }

    /// <summary>Writes the frames of an answer, without the first <paramref name="skip"/> ones.</summary>
    /// <param name="isRun">True if the answer goes on without this stream: any failure except the run's own breaks the
    /// body, and the client reconnects.</param>
    private async Task StreamAsync(
        PushStream push,
        VendorFormat format,
        AwaitedAnswer updates,
        IAnswerWriter response,
        long skip,
        bool isRun,
        CancellationToken stopped
    )
    {
        await using var registration = stopped.Register(updates.Stop);
        VendorError? failure = null;

        try
        {
            await WriteAsync(response.Start());
            await foreach (var update in updates.ReadAsync())
                await WriteAsync(response.Next(update));
            await WriteAsync(response.End());
        }
        catch (UpstreamException e)
        {
            failure = VendorError.Of(e);
        }
        catch (OperationCanceledException) when (!isRun && !stopped.IsCancellationRequested)
        {
            failure = VendorError.Stopping;
        }
        catch (Exception e) when (!isRun && !push.HasLostClient && !stopped.IsCancellationRequested)
        {
            failure = Internal(e);
        }

        if (failure is not null)
            await WriteAsync(response.Fail(failure));

        if (skip > 0)
        {
            skip = 0;
            await WriteAsync(response.Fail(VendorError.Beyond));
        }

        if ((isRun || failure is null) && format.Done is { } done)
            await push.WriteAsync(done, events: 0);

        async Task WriteAsync(IEnumerable<JsonObject> frames)
        {
            foreach (var frame in frames)
                if (--skip < 0)
                    await push.WriteAsync(format.Frame(frame));
        }
    }
}
