using EventStore;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;

namespace Streaming.Opening;

/// <summary>A stream that an endpoint wants opened for its request.</summary>
/// <param name="Filter">What it carries.</param>
/// <param name="Last">Where the client stands.</param>
/// <param name="FromEarliest">A fresh reader starts at the oldest event instead of the head.</param>
/// <param name="StartAfter">Where a reader without a valid id of ours starts, instead of the head.</param>
/// <param name="Slow">What happens where the client cannot keep up.</param>
/// <param name="Greeting">The first frame, which carries the id that the stream starts after.</param>
/// <param name="ResyncAfter">Where a reader goes on whose id cannot be honoured, instead of the head: a finite stream
/// is its own state.</param>
/// <param name="OrdinalIsBeyond">The last id is an ordinal of this stream's own that it has not come to.</param>
internal sealed record StreamRequest(
    StreamFilter Filter,
    LastEventId Last,
    bool FromEarliest = false,
    StreamId? StartAfter = null,
    SlowReader Slow = SlowReader.CatchUp,
    Greeting? Greeting = null,
    StreamId? ResyncAfter = null,
    bool OrdinalIsBeyond = false
);

/// <summary>Makes a stream's first frame.</summary>
internal delegate byte[] Greeting(StreamId startsAfter, StreamId head, string connectionId, string replica);

internal static class Greetings
{
    /// <summary><c>event: connected</c>.</summary>
    public static byte[] Connected(StreamId startsAfter, StreamId head, string connectionId, string replica) =>
        ControlFrames.Connected(startsAfter, connectionId, replica, head);

    /// <summary>Only an id, for streams whose clients expect no event of ours.</summary>
    public static byte[] IdOnly(StreamId startsAfter, StreamId head, string connectionId, string replica) =>
        ControlFrames.IdOnly(startsAfter);
}
