using EventStore;
using Streaming.Access;
using Streaming.Frames;
using Streaming.Opening;

namespace Runs;

/// <summary>
/// Opens streams whose request starts a run. A request with a last id resumes the run that the id identifies; it never
/// starts another.
/// </summary>
internal sealed class RunStreams(
    RunLog runs,
    FiniteStreams finite,
    PushOpener streams,
    IStreamAccess access,
    LineageReader lineages,
    [FromKeyedServices(StorePool.Reads)] EventReader reader
)
{
    /// <summary>Opens the stream of a new run, or resumes one.</summary>
    /// <param name="context">The request.</param>
    /// <param name="kind">The kind of run.</param>
    /// <param name="format">Format of the frames. It sends no positions, and ends at the
    /// <paramref name="endTypes"/>.</param>
    /// <param name="endTypes">Event types that end the run, including <c>error</c>.</param>
    /// <param name="begin">Begins a new run; called for a request without a last id that has a place.</param>
    public async Task OpenAsync(
        HttpContext context,
        string kind,
        FrameFormat format,
        IReadOnlyCollection<string> endTypes,
        Func<Task<RunStart>> begin
    )
    {
        var last = LastEventId.Of(context.Request);
        if (last.Text is null)
            await finite.BeginAsync(
                context,
                format,
                async () =>
                {
                    var run = await begin();
                    return (run.Name.Topic, run.Announced);
                }
            );
        else if (
            last.Id is { } id
            && await runs.FindAsync(kind, id, context.RequestAborted) is { } name
            && await MayReadAsync(context, name)
        )
            await finite.OpenAsync(context, name.Topic, format, endTypes);
        else
            await EndAsync(context, kind, last);
    }

    /// <summary>
    /// Allows the run's owner, and callers with the right to read its topic. Ids are positions, so a caller can guess
    /// those of others.
    /// </summary>
    public async Task<bool> MayReadAsync(HttpContext context, RunName name) =>
        access.MayRead(context, name.Topic)
        || (access.OwnerOf(context) is { } user && await runs.OwnerAsync(name, context.RequestAborted) == user);

    /// <summary>
    /// Answers a last id that identifies no run: 204 if it belongs to another stream, else a resync and a fatal error.
    /// The error is stored as a run of its own: with its id a browser that reconnects gets 204 and stops.
    /// </summary>
    private async Task EndAsync(HttpContext context, string kind, LastEventId last)
    {
        var head = await reader.HeadAsync(context.RequestAborted);
        var here = last.Id is { } id
            ? await lineages.TranslateAsync(id, head.Epoch, context.RequestAborted)
            : default(StreamId?);
        var reason =
            last.Id is null ? ResyncReason.Malformed
            : here is null ? ResyncReason.Epoch
            : here.Value.Position > head.Head ? ResyncReason.Future
            : ResyncReason.Expired;
        if (reason == ResyncReason.Expired && here!.Value.Position >= head.DroppedThrough)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        using var place = await streams.EnterAsync(context);
        if (place is null)
            return;
        var error = new
        {
            type = "error",
            error = "The run of this id no longer exists. Send the request again without the id.",
            fatal = true,
            reason = reason.ToString().ToLowerInvariant(),
        };
        using var gone = (
            await runs.BeginAsync(kind, new { gone = true }, cancellationToken: context.RequestAborted)
        ).Run!;
        try
        {
            await gone.EndAsync(RunEvent.Of("error", error));
        }
        catch (RunFencedException e)
        {
            throw RunLog.NoLease(e);
        }
        // With the error's own id, so that a client that returns does not get it again.
        var stored = await reader.ReadAsync(
            gone.Announced.Position,
            new EventFilter([gone.Name.Topic], [], []),
            cancellationToken: context.RequestAborted
        );
        if (stored.Events.Count == 0)
            throw new StoreUnavailableException("The end of the run cannot be read yet. Try again in some seconds.");
        var end = gone.Announced with { Position = stored.Events[^1].Position };
        await streams.OpenAsync(
            context,
            [],
            (push, _) =>
                push.WriteAsync(
                    (byte[])
                        [
                            .. ControlFrames.IdOnly(gone.Announced),
                            .. ControlFrames.Resync(reason, last.Text, gone.Announced),
                            .. ControlFrames.Named(end, "error", error),
                        ]
                ),
            place: place
        );
    }
}
