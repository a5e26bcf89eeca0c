using EventStore;
using StreamApi.Streaming;
using StreamApi.Streaming.Fanout;
using StreamApi.Streaming.Frames;

namespace StreamApi.Runs;

/// <summary>
/// Streams whose request starts the work: <c>/stream?prompt=</c>, recommendations. Without a last id a new run begins; with one the run
/// that it names is read on, and the work is never done again.
/// </summary>
internal sealed class RunStreams(RunLog runs, FiniteStreams finite, Streams streams, EventReader reader, FilterLogs logs)
{
    /// <param name="context">The request.</param>
    /// <param name="kind">The kind of run.</param>
    /// <param name="form">Shows the events; it must not send positions, and end with the <paramref name="endTypes"/>.</param>
    /// <param name="endTypes">Event types that end the run, <c>error</c> among them.</param>
    /// <param name="begin">Begins and starts the run where a new one is wanted.</param>
    public async Task OpenAsync(HttpContext context, string kind, FrameForm form, IReadOnlyCollection<string> endTypes, Func<Task<Run>> begin)
    {
        var last = LastEventId.Of(context.Request);
        if (last.Text is null)
        {
            var run = await begin();
            await finite.OpenAsync(context, run.Name.Topic, form, endTypes, run.Announced);
        }
        else if (last.Id is { } id && await runs.FindAsync(kind, id, context.RequestAborted) is { } name)
            await finite.OpenAsync(context, name.Topic, form, endTypes);
        else await EndAsync(context, last);
    }

    /// <summary>
    /// The id names no run. In this history (then it is of another stream, or the one sent here): nothing follows it, 204. Otherwise a
    /// resync and a fatal error say that the run is gone, with an id that gets 204, so that a browser stops.
    /// </summary>
    private async Task EndAsync(HttpContext context, LastEventId last)
    {
        var head = await reader.HeadAsync(context.RequestAborted);
        var here = new StreamId(head.Epoch, head.Head);
        var reason = last.Id is not { } id ? ResyncReason.Malformed : id.Epoch != logs.Epoch && id.Epoch != head.Epoch ? ResyncReason.Epoch : id.Position > head.Head ? ResyncReason.Future : ResyncReason.Expired;
        if (reason == ResyncReason.Expired && last.Id!.Value.Position >= head.DroppedThrough)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        await streams.OpenPushAsync(context, [], (push, _) => push.WriteAsync((byte[])
        [
            .. ControlFrames.Resync(reason, last.Text, here),
            .. ControlFrames.Named(here, "error", new { error = "The run that this id names is not here any more.", fatal = true, reason = reason.ToString().ToLowerInvariant() }),
        ]));
    }
}
