using System.Globalization;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Showing;

namespace Streaming.Opening;

/// <summary>Opens streams of one topic with a beginning and an end. A client that already has the end gets 204, so that
/// a browser stops (HTML Living Standard §9.2.3).</summary>
/// <remarks>A client resumes after its id, or after the n-th event if the id is a bare number n (0: the beginning). If
/// the events before the n-th cannot be counted (dropped, or too many), the client gets a resync and all
/// events.</remarks>
internal sealed class FiniteStreams(StreamOpener streams, TopicReader topics, LineageReader lineages)
{
    /// <summary>Streams the topic that <c>begin</c> creates to a client without an id, if the stream gets a
    /// seat.</summary>
    /// <param name="begin">Begins the work; returns its topic, its format, and the position before its first
    /// event.</param>
    public Task BeginAsync(
        HttpContext context,
        Func<Task<(string Topic, FrameFormat Format, StreamPosition Start)>> begin
    ) =>
        streams.OpenAsync(
            context,
            async () =>
            {
                var (topic, format, start) = await begin();
                return RequestOf(context, topic, format, LastEventId.Of(context.Request), start, start);
            }
        );

    /// <param name="topic">Not a pattern.</param>
    /// <param name="format">Ends at exactly the <paramref name="endTypes"/> (<see cref="FrameFormat.Ends"/>).</param>
    /// <param name="start">Start of a client without an id. Null for the place before the topic's first event.</param>
    /// <param name="isShortened">True if retention may have dropped the topic's first events.</param>
    /// <param name="events">Number of events that the topic had at its end, or null if it is unknown. If fewer are
    /// left, retention has dropped the first.</param>
    /// <param name="shown">See <see cref="StreamRequest"/>.</param>
    public async Task OpenAsync(
        HttpContext context,
        string topic,
        FrameFormat format,
        IReadOnlyCollection<string> endTypes,
        StreamPosition? start = null,
        bool isShortened = false,
        int? events = null,
        ShownEvents? shown = null
    )
    {
        var last = LastEventId.Of(context.Request);
        long ordinal = 0;
        var isOrdinal =
            last.Id is null && long.TryParse(last.Text, NumberStyles.None, CultureInfo.InvariantCulture, out ordinal);
        var state = await topics.ReadAsync(topic, ordinal, endTypes, context.RequestAborted);

        isShortened |= !state.IsCounted || await HasLostAsync(topic, state, events, endTypes, context);
        if (
            last.Id is { } id
                ? state.End <= (await lineages.TranslateAsync(id, state.Epoch, context.RequestAborted))?.Position
                : ordinal > 0 && !isShortened && state.End <= (state.AtOrdinal ?? long.MaxValue)
        )
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        var beginning = start ?? new StreamPosition(state.Epoch, state.Start);
        ResyncReason? reason =
            !isOrdinal || ordinal == 0 ? null
            : isShortened ? ResyncReason.Expired
            : state.AtOrdinal is null ? ResyncReason.Future
            : null;

        StreamPosition? startAfter =
            reason == ResyncReason.Expired || last.Text is null ? beginning
            : isOrdinal && state.AtOrdinal is { } at ? new StreamPosition(state.Epoch, at)
            // A valid id decides. An invalid one gets a resync from the beginning, because an ended topic
            // would send nothing after its end.
            : null;
        var request = RequestOf(context, topic, format, last, startAfter, beginning, reason) with { Shown = shown };
        await streams.OpenAsync(context, request);
    }

    /// <summary>Returns true if a topic with an end has fewer events than it had.</summary>
    private async Task<bool> HasLostAsync(
        string topic,
        TopicState state,
        int? events,
        IReadOnlyCollection<string> endTypes,
        HttpContext context
    ) =>
        state.End is not null
        && events is { } all
        && await topics.ReadAsync(topic, all, endTypes, context.RequestAborted) is var kept
        && kept.End != kept.AtOrdinal;

    private static StreamRequest RequestOf(
        HttpContext context,
        string topic,
        FrameFormat format,
        LastEventId last,
        StreamPosition? startAfter,
        StreamPosition beginning,
        ResyncReason? reason = null
    )
    {
        var filter = new StreamFilter([topic], [], [], format);
        return new(
            filter,
            last,
            StartAfter: startAfter,
            Slow: context.Request.Query.Slow(),
            Greeting: Greetings.BeginOf(filter),
            ResyncAfter: beginning,
            Ordinal: reason
        );
    }
}
