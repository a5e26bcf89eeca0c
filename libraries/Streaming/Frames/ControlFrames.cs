using System.Text.Json;
using EventStore;

namespace Streaming.Frames;

/// <summary>Frames that the server sends about the stream itself: its start, gaps, and its end.</summary>
internal static class ControlFrames
{
    /// <summary>Type of the first event of a stream.</summary>
    public const string ConnectedType = "connected";

    /// <summary>Comment that keeps proxies and clients from taking a quiet stream for dead.</summary>
    public static readonly byte[] Heartbeat = ": heartbeat\n\n"u8.ToArray();

    /// <summary>Reports that missed events cannot be read; without an id, so that the client keeps its own.</summary>
    public static readonly byte[] Unavailable = Named(
        null,
        "error",
        new
        {
            error = "The event log cannot be read at the moment. Reconnect with the last event id; nothing is lost.",
            fatal = false,
            reason = "unavailable",
        }
    );

    public static byte[] Retry(int milliseconds) => SseFrame.ToBytes(f => f.Retry(milliseconds).End());

    /// <summary>Advances the client's last event id without dispatching an event.</summary>
    public static byte[] IdOnly(StreamPosition id) => SseFrame.ToBytes(f => f.Id(id.ToString()).End());

    public static byte[] Connected(
        StreamPosition startsAfter,
        string connectionId,
        string replica,
        StreamPosition head
    ) => Named(startsAfter, ConnectedType, ConnectedData(connectionId, replica, head));

    public static byte[] ConnectedData(string connectionId, string replica, StreamPosition head) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                connectionId,
                replica,
                epoch = head.Epoch,
                head = head.ToString(),
            },
            ReadableJsonEncoder.Web
        );

    /// <summary>Refuses to resume after an id; the stream continues after <paramref name="resumedFrom"/>.</summary>
    public static byte[] Resync(ResyncReason reason, string? requested, StreamPosition resumedFrom) =>
        Named(
            resumedFrom,
            "resync",
            new
            {
                reason = reason.ToString().ToLowerInvariant(),
                requested,
                resumedFrom = resumedFrom.ToString(),
            }
        );

    /// <summary>Range of events that a slow client is not sent; without an id, as others within may follow.</summary>
    public static byte[] Skipped(string epoch, long from, long to, long count) =>
        Named(
            null,
            "skipped",
            new
            {
                from = new StreamPosition(epoch, from).ToString(),
                to = new StreamPosition(epoch, to).ToString(),
                count,
            }
        );

    /// <summary>Reports that the right ends soon (expiring), or has ended the stream (expired, replaced).</summary>
    public static byte[] Unauthorized(string reason, DateTimeOffset? expiresAt) =>
        Named(null, "unauthorized", new { reason, expiresAt = expiresAt?.UtcDateTime });

    public static byte[] Named(StreamPosition? id, string name, object data) =>
        Named(id, name, JsonSerializer.SerializeToUtf8Bytes(data, ReadableJsonEncoder.Web));

    private static byte[] Named(StreamPosition? id, string name, byte[] json) =>
        SseFrame.ToBytes(frame =>
        {
            if (id is { } known)
                frame.Id(known.ToString());
            frame.Event(name).Data(json).End();
        });
}

internal enum ResyncReason
{
    /// <summary>Retention has deleted events after the id.</summary>
    Expired,

    /// <summary>The id belongs to another history: the store was reset, restored or promoted.</summary>
    Epoch,

    /// <summary>The id is beyond the head.</summary>
    Future,

    Malformed,
}
