using System.Buffers;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Showing;

namespace Streaming.Opening;

/// <summary>A stream to open for a request.</summary>
/// <param name="FromEarliest">True if a client without an id starts at the oldest event instead of the head.</param>
/// <param name="StartAfter">Start of a client without a valid id, and after a resync by <paramref name="Ordinal"/>.
/// Null for the head.</param>
/// <param name="Greeting">The first frame, which carries the id that the stream starts after.</param>
/// <param name="ResyncAfter">Start after a resync. Null for the head. A finite stream sets its beginning, because its
/// client has no other state to read again.</param>
/// <param name="Ordinal">Reason for a resync if the last id is an ordinal that the stream lacks; else null.</param>
/// <param name="Shown">Forms the events of a <see cref="ShownFormat"/>. Null for other formats.</param>
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
)
{
    /// <summary>Position that the log must have for the start: the client's id, or else the given start.</summary>
    public StreamPosition? Place => Last.Id ?? StartAfter;

    /// <summary>True if the stream begins with the next event, whatever the store contains.</summary>
    public bool BeginsAtHead => Last.Text is null && !FromEarliest && StartAfter is null && ResyncAfter is null;
}

/// <summary>Writes the first frame of a stream, with its reconnection time in milliseconds.</summary>
internal delegate void Greeting(
    IBufferWriter<byte> output,
    StreamPosition startsAfter,
    StreamPosition head,
    string connectionId,
    string replica,
    int retry
);

internal static class Greetings
{
    public static void Connected(
        IBufferWriter<byte> output,
        StreamPosition startsAfter,
        StreamPosition head,
        string connectionId,
        string replica,
        int retry
    ) =>
        SseFrame.Write(
            output,
            ControlFrames.ConnectedData(connectionId, replica, head),
            ControlFrames.ConnectedType,
            startsAfter.ToString(),
            retry
        );

    /// <summary>Says only where the stream begins, for streams whose clients expect no event of the stream's
    /// own.</summary>
    public static void Begin(
        IBufferWriter<byte> output,
        StreamPosition startsAfter,
        StreamPosition head,
        string connectionId,
        string replica,
        int retry
    ) => output.Write(ControlFrames.Begin(startsAfter.ToString(), retry));

    /// <summary>Returns a greeting like <see cref="Begin"/>, with the id in the form of the filter's ids.</summary>
    public static Greeting BeginOf(StreamFilter filter) =>
        (output, startsAfter, _, _, _, retry) => output.Write(ControlFrames.Begin(filter.IdOf(startsAfter), retry));

    /// <summary>Returns a greeting with an item of the application. Its data become JSON at once, so that an error
    /// comes before the headers of the response.</summary>
    public static Greeting Of(SseItem<object?> item, JsonSerializerOptions json)
    {
        var (data, type) = ItemFrames.DataOf(item, json);
        var own = (int?)item.ReconnectionInterval?.TotalMilliseconds;
        return (output, startsAfter, _, _, _, retry) =>
            SseFrame.Write(output, data, type, startsAfter.ToString(), own ?? retry);
    }
}
