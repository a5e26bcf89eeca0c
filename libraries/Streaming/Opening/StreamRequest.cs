using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Showing;

namespace Streaming.Opening;

/// <summary>A stream to open for a request.</summary>
/// <param name="FromEarliest">True: a client without an id starts at the oldest event instead of the head.</param>
/// <param name="StartAfter">Start without a valid id, also after <paramref name="Ordinal"/>; null: the head.</param>
/// <param name="Greeting">The first frame, which carries the id that the stream starts after.</param>
/// <param name="ResyncAfter">Start after a resync; null: the head. A finite stream sets its beginning, because its
/// client has no other state to read again.</param>
/// <param name="Ordinal">Reason for a resync if the last id is an ordinal that the stream lacks; else null.</param>
/// <param name="Shown">Forms the events of a <see cref="ShownFormat"/>; null for other formats.</param>
internal sealed record StreamRequest(
    StreamFilter Filter,
    LastEventId Last,
    bool FromEarliest = false,
    StreamPosition? StartAfter = null,
    SlowClientPolicy Slow = SlowClientPolicy.CatchUp,
    Greeting? Greeting = null,
    StreamPosition? ResyncAfter = null,
    ResyncReason? Ordinal = null,
    ShownEvents? Shown = null
);

internal delegate byte[] Greeting(StreamPosition startsAfter, StreamPosition head, string connectionId, string replica);

internal static class Greetings
{
    public static byte[] Connected(
        StreamPosition startsAfter,
        StreamPosition head,
        string connectionId,
        string replica
    ) => ControlFrames.Connected(startsAfter, connectionId, replica, head);

    /// <summary>Sends only an id, for streams whose clients expect no control events.</summary>
    public static byte[] IdOnly(StreamPosition startsAfter, StreamPosition head, string connectionId, string replica) =>
        ControlFrames.IdOnly(startsAfter);

    /// <summary>Sends an item of the application, as the fields of a frame.</summary>
    public static Greeting Of(byte[] fields) =>
        (startsAfter, _, _, _) => [.. fields, .. ControlFrames.IdOnly(startsAfter)];

    /// <summary>Sends only an id, in the form that this stream's ids have.</summary>
    public static Greeting IdOf(StreamFilter filter) =>
        (startsAfter, _, _, _) => ControlFrames.IdOnly(filter.IdOf(startsAfter));
}
