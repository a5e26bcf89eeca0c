using EventStore;
using Streaming.Access;
using Streaming.Frames;
using Streaming.Opening;

namespace Runs;

/// <summary>
/// Streams whose request starts the work: <c>/stream?prompt=</c>, recommendations. Without a last id a new run begins;
/// with one the run
/// that it names is read on, and the work is never done again.
/// </summary>
internal sealed class RunStreams(
    RunLog runs,
    FiniteStreams finite,
    PushOpener streams,
    IStreamAccess access,
    [FromKeyedServices(StorePool.Reads)] EventReader reader
)
{
    /// <param name="context">The request.</param>
    /// <param name="kind">The kind of run.</param>
    /// <param name="format">Shows the events; it must not send positions, and end with the <paramref
    /// name="endTypes"/>.</param>
    /// <param name="endTypes">Event types that end the run, <c>error</c> among them.</param>
    /// <param name="begin">Begins and starts the run where a new one is wanted.</param>
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
        {
            var run = await begin();
            await finite.OpenAsync(context, run.Name.Topic, format, endTypes, run.Announced);
        }
        else if (
            last.Id is { } id
            && await runs.FindAsync(kind, id, context.RequestAborted) is { } name
            && await MayReadAsync(context, name)
        )
            await finite.OpenAsync(context, name.Topic, format, endTypes);
        else
            await EndAsync(context, kind, last);
    }

    /// <summary>Ids are positions, one after the other: whose run one names must not be a guess away. Who has no name
    /// (Development) shares all.</summary>
    private async Task<bool> MayReadAsync(HttpContext context, RunName name) =>
        access.MayRead(context, name.Topic)
        || (context.User.Identity?.Name is { } user && await runs.OwnerAsync(name, context.RequestAborted) == user);

    /// <summary>
    /// The id names no run. In this history it is then of another stream: nothing of this one follows it, 204.
    /// Otherwise a resync and a
    /// fatal error say that the run is gone. Their id names a run of its own that has ended, so that a browser which
    /// returns stops, and
    /// nobody is led into somebody else's run.
    /// </summary>
    private async Task EndAsync(HttpContext context, string kind, LastEventId last)
    {
        var head = await reader.HeadAsync(context.RequestAborted);
        var reason =
            last.Id is not { } id ? ResyncReason.Malformed
            : id.Epoch != head.Epoch ? ResyncReason.Epoch
            : id.Position > head.Head ? ResyncReason.Future
            : ResyncReason.Expired;
        if (reason == ResyncReason.Expired && last.Id!.Value.Position >= head.DroppedThrough)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        var error = new
        {
            type = "error",
            error = "The run that this id names is not here any more.",
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
            throw new StoreUnavailableException("This server's lease was just lost.", e);
        }
        // With its own id, or who returns with it would get the error once more.
        var stored = await reader.ReadAsync(
            gone.Announced.Position,
            new EventFilter([gone.Name.Topic], [], []),
            cancellationToken: context.RequestAborted
        );
        if (stored.Events.Count == 0)
            throw new StoreUnavailableException("The run that was just ended cannot be read yet.");
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
                )
        );
    }
}
