using System.Text.Json;
using Streaming.Access;
using Streaming.Frames;
using Streaming.Opening;

namespace Runs;

/// <summary>Opens the streams of runs, including runs that the request itself starts.</summary>
internal sealed class RunStreams(
    RunStore runs,
    TopicReader topics,
    FiniteStreams finite,
    PushOpener streams,
    OwnerAccess access,
    LineageReader lineages,
    [FromKeyedServices(StorePool.Reads)] EventReader reader
)
{
    /// <summary>Beginning of the secret in the ids of a client whose run is gone, which no run's id has:
    /// <code>3f…-42~gone-expired    3f…-42~gone</code>
    /// The client with the first id gets the error, and the client with the second one has it.</summary>
    private const string Gone = "gone";

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
        if (await runs.LogStartAsync(name.Topic, context.RequestAborted) is not { } log)
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
                    var (name, announced, _) = await begin();
                    // The owner is the caller, since the run has just begun.
                    var owner = Task.FromResult(access.OwnerOf(context));
                    var mayResume = await access.MayReadRunAsync(context, name.Topic, () => owner, namesIt: false);
                    return (name.Topic, mayResume ? format : SecretIdFormat.Of(format), announced);
                }
            );
        else if (
            last is { Id: { } id, Secret: var secret }
            && secret?.StartsWith(Gone, StringComparison.Ordinal) != true
            && await topics.TopicAtAsync(id, context.RequestAborted) is { } topic
            && RunName.Of(topic) is { } name
            && name.Kind == kind
            && await MayReadAsync(context, name, namesIt: secret == name.Id)
        )
            await finite.OpenAsync(context, name.Topic, secret is null ? format : SecretIdFormat.Of(format), endTypes);
        else
            await EndAsync(context, last);
    }

    /// <summary>Returns true if <see cref="OwnerAccess.MayReadRunAsync"/> lets the caller read the run.</summary>
    /// <param name="namesIt">False if the request has only a position, which others can guess.</param>
    public ValueTask<bool> MayReadAsync(HttpContext context, RunName name, bool namesIt = true) =>
        access.MayReadRunAsync(
            context,
            name.Topic,
            async () => (await runs.LogStartAsync(name.Topic, context.RequestAborted))?.Owner,
            namesIt
        );

    /// <summary>Answers a request whose last id belongs to no run: 204 if it is another stream's id, else a resync and
    /// a fatal error. A browser that reconnects with the id of the error gets 204, and stops.</summary>
    private async Task EndAsync(HttpContext context, LastEventId last)
    {
        if (await MismatchAsync(last, context.RequestAborted) is not var (at, reason))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        var name = reason.ToString().ToLowerInvariant();
        var id = LastEventId.WithSecret(at, $"{Gone}-{name}");
        var error = new RunError(
            "error",
            "The run of this id no longer exists. Send the request again without the id.",
            Fatal: true,
            name
        );
        var json = JsonSerializer.SerializeToUtf8Bytes(error, RunJson.Options.TypeOf<RunError>());
        // The error has its own id, so that a client that reconnects does not get the error again.
        byte[] frames =
        [
            .. ControlFrames.Begin(id),
            .. ControlFrames.Resync(reason, last.Text, id),
            .. SseFrame.ToBytes(json, "error", LastEventId.WithSecret(at, Gone)),
        ];
        await streams.OpenAsync(context, [], (push, _) => push.WriteAsync(frames));
    }

    /// <summary>Returns why the log cannot resume after an id, and a place for the ids of the answer. Null if the
    /// client has the answer, or if the log can resume and the id belongs to another stream.</summary>
    private async Task<(StreamPosition At, ResyncReason Reason)?> MismatchAsync(
        LastEventId last,
        CancellationToken cancellationToken
    )
    {
        if (last.Secret == Gone)
            return null;
        if (last.Secret?.Split('-') is [Gone, var name] && Enum.TryParse<ResyncReason>(name, true, out var known))
            return (last.Id!.Value, known);

        var head = await reader.HeadAsync(cancellationToken);
        var at = new StreamPosition(head.Epoch, head.Head);
        if (last.Id is not { } id)
            return (at, ResyncReason.Malformed);

        return await lineages.TranslateAsync(id, head.Epoch, cancellationToken) switch
        {
            null => (at, ResyncReason.Epoch),
            { Position: var position } when position > head.Head => (at, ResyncReason.Future),
            { Position: var position } when position < head.DroppedThrough => (at, ResyncReason.Expired),
            _ => null,
        };
    }
}
