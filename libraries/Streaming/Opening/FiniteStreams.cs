using System.Globalization;
using EventStore;
using Streaming.Fanout;
using Streaming.Frames;

namespace Streaming.Opening;

/// <summary>
/// Streams of one topic that has a beginning and an end: an order's steps, a generation, an agent's run. A reader
/// without an id gets it
/// from the beginning, however late; one that returns goes on after its id, or after the n-th event where the id is a
/// bare number n
/// (0: from the beginning); one that has the end already gets 204, so that a browser stops (HTML Living Standard
/// §9.2.3).
/// </summary>
internal sealed class FiniteStreams(StreamOpener streams, TopicReader topics)
{
    /// <param name="context">The request.</param>
    /// <param name="topic">The topic itself.</param>
    /// <param name="form">Shows the events; <see cref="FrameFormat.Ends"/> must hold for exactly the <paramref
    /// name="endTypes"/>.</param>
    /// <param name="endTypes">Event types that end the topic.</param>
    /// <param name="start">Where a reader without an id starts; null: before the topic's first event.</param>
    public async Task OpenAsync(
        HttpContext context,
        string topic,
        FrameFormat format,
        IReadOnlyCollection<string> endTypes,
        StreamId? start = null
    )
    {
        var last = LastEventId.Of(context.Request);
        long ordinal = 0;
        var isOrdinal =
            last.Id is null && long.TryParse(last.Text, NumberStyles.None, CultureInfo.InvariantCulture, out ordinal);
        var state = await topics.ReadAsync(topic, ordinal, endTypes, context.RequestAborted);
        if (
            last.Id is { } id
                ? id.Epoch == state.Epoch && state.End <= id.Position
                : ordinal > 0 && state.End <= (state.AtOrdinal ?? long.MaxValue)
        )
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        var beginning = start ?? new StreamId(state.Epoch, state.Start);
        StreamId? startAfter = isOrdinal
            ? state.AtOrdinal is { } at
                ? new StreamId(state.Epoch, at)
                : null
            : last.Text is null
                ? beginning
                // an id of ours, or one that gets a resync, a number beyond the end too: from the beginning, or one
                // that has ended would never be told
                : null;
        await streams.OpenAsync(
            context,
            new StreamRequest(
                new StreamFilter([topic], [], [], format),
                last,
                StartAfter: startAfter,
                Greeting: Greetings.IdOnly,
                ResyncAfter: beginning,
                OrdinalIsBeyond: isOrdinal && state.AtOrdinal is null
            )
        );
    }
}
