using EventStore;
using Streaming.Access;
using Streaming.Frames;
using Streaming.Opening;

namespace Runs;

/// <summary>Opens the streams of runs, including runs that the request itself starts.</summary>
internal sealed class RunStreams(
    AllRuns runs,
    RunAcquisition acquisition,
    FiniteStreams finite,
    PushOpener streams,
    OwnerAccess access,
    LineageReader lineages,
    [FromKeyedServices(StorePool.Reads)] EventReader reader
)
{
    /// <summary>Streams a run of <see cref="IRuns"/>; answers 404 if this topic has no run.</summary>
    /// <param name="end">The type of the run's last event, if it ends by <see cref="Run.EndAsync"/>.</param>
    public async Task OpenAsync(HttpContext context, EventTopic topic, string end = Run.EndType)
    {
        // A run is always read from its beginning; reading the parameter only refuses a wrong value.
        _ = context.Request.Query.FromEarliest();

        var view = RunView.Of(EventFormat.Named, end);
        if (RunName.Of(topic) is not { } name || !await TryOpenAsync(context, name, view.Frames, view.EndTypes))
            await TypedResults.NotFound().ExecuteAsync(context);
    }

    /// <summary>Streams a run from its beginning, or after the last id; returns false if there is no such run.
    /// </summary>
    /// <param name="endTypes">Event types that end the run, the same as in the format.</param>
    public async Task<bool> TryOpenAsync(
        HttpContext context,
        RunName name,
        FrameFormat format,
        IReadOnlyCollection<string> endTypes
    )
    {
        if (await runs.LogStartAsync(name, context.RequestAborted) is not { } log)
            return false;

        await finite.OpenAsync(context, name.Topic, format, endTypes, log.At);
        return true;
    }

    /// <summary>Streams the run that a request begins. A request with a last id only resumes its run.</summary>
    /// <param name="format">Sends no positions, and ends at the <paramref name="endTypes"/>.</param>
    /// <param name="endTypes">Event types that end the run, including <c>error</c>.</param>
    /// <param name="begin">Begins a run; called once a request without a last id has a seat.</param>
    public async Task OpenAsync(
        HttpContext context,
        string kind,
        FrameFormat format,
        IReadOnlyCollection<string> endTypes,
        Func<Task<BegunRun>> begin
    )
    {
        var last = LastEventId.Of(context.Request);
        if (last.Text is null)
            await finite.BeginAsync(
                context,
                async () =>
                {
                    var run = await begin();
                    return (run.Name.Topic, await FormatForAsync(context, run.Name, format), run.Announced);
                }
            );
        else if (
            last.Id is { } id
            && await runs.FindAsync(kind, id, context.RequestAborted) is { } name
            && await MayReadAsync(context, name, namesIt: last.Secret == name.Id)
        )
            await finite.OpenAsync(
                context,
                name.Topic,
                last.Secret is null ? format : SecretIdFormat.Of(format),
                endTypes
            );
        else
            await EndAsync(context, kind, last);
    }

    /// <summary>Returns true if <see cref="OwnerAccess.MayReadRunAsync"/> lets the caller read the run.</summary>
    /// <param name="namesIt">False if the request has only a position, which others can guess.</param>
    public ValueTask<bool> MayReadAsync(HttpContext context, RunName name, bool namesIt = true) =>
        access.MayReadRunAsync(context, name.Topic, () => runs.OwnerAsync(name, context.RequestAborted), namesIt);

    /// <summary>Returns a format with a secret in each id if a position alone would not let the caller
    /// resume.</summary>
    private async ValueTask<FrameFormat> FormatForAsync(HttpContext context, RunName name, FrameFormat format) =>
        await access.MayReadRunAsync(
            context,
            name.Topic,
            () => Task.FromResult(access.OwnerOf(context)),
            namesIt: false
        )
            ? format
            : SecretIdFormat.Of(format);

    /// <summary>Answers a request whose last id belongs to no run: 204 if it is another stream's id, else a resync and
    /// a fatal error. The error is stored as a run, so that a browser that reconnects with its id gets 204 and
    /// stops.</summary>
    private async Task EndAsync(HttpContext context, string kind, LastEventId last)
    {
        if (await MismatchAsync(last, context.RequestAborted) is not { } reason)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        using var seat = await streams.EnterAsync(context);
        if (seat is null)
            return;

        var error = new RunError(
            "error",
            "The run of this id no longer exists. Send the request again without the id.",
            Fatal: true,
            reason.ToString().ToLowerInvariant()
        );
        var (announced, end) = await StoreFailedRunAsync(kind, access.ClientOf(context), error, context.RequestAborted);

        // The error has its own id, so that a client that reconnects does not get the error again.
        byte[] frames =
        [
            .. ControlFrames.Begin(announced.ToString()),
            .. ControlFrames.Resync(reason, last.Text, announced.ToString()),
            .. ControlFrames.Named(end, "error", error, RunJson.Options.TypeOf<RunError>()),
        ];
        await streams.OpenAsync(context, [], (push, _) => push.WriteAsync(frames), seat: seat);
    }

    /// <summary>Returns why the log cannot resume after an id, or null if it can and the id belongs to another
    /// stream.</summary>
    private async Task<ResyncReason?> MismatchAsync(LastEventId last, CancellationToken cancellationToken)
    {
        if (last.Id is not { } id)
            return ResyncReason.Malformed;

        var head = await reader.HeadAsync(cancellationToken);
        return await lineages.TranslateAsync(id, head.Epoch, cancellationToken) switch
        {
            null => ResyncReason.Epoch,
            { Position: var position } when position > head.Head => ResyncReason.Future,
            { Position: var position } when position < head.DroppedThrough => ResyncReason.Expired,
            _ => null,
        };
    }

    private async Task<(StreamPosition Announced, StreamPosition End)> StoreFailedRunAsync(
        string kind,
        string client,
        RunError error,
        CancellationToken cancellationToken
    )
    {
        var start = await acquisition.BeginAsync(
            kind,
            client,
            new RunAnnouncement(Gone: true),
            cancellationToken: cancellationToken
        );
        using var run = start.Run!;
        try
        {
            await run.EndAsync(RunEvent.Of("error", error));
        }
        catch (RunFencedException e)
        {
            throw RunAcquisition.NoLease(e);
        }

        return (run.Announced, run.Announced with { Position = run.Known });
    }
}
