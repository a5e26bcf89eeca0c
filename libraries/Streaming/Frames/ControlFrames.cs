using System.Text.Json;
using EventStore;

namespace Streaming.Frames;

/// <summary>Frames that the server sends about the stream itself: its start, gaps, and its end.</summary>
internal static class ControlFrames
{
    /// <summary>Heartbeat comment. It keeps proxies and clients from taking a quiet stream for dead.</summary>
    public static readonly byte[] Heartbeat = ": heartbeat\n\n"u8.ToArray();

    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = ReadableJsonEncoder.Instance,
    };

    /// <summary>
    /// Missed events cannot be read from the store. The frame has no id, so the client returns with the one it has.
    /// </summary>
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

    private static readonly string[] ReservedNames = ["connected", "resync", "skipped", "unauthorized", "error"];

    /// <summary>Event types that only the server sends, so that a client can trust them.</summary>
    public static string ReservedTypes { get; } = string.Join(", ", ReservedNames);

    public static bool IsReservedType(string type) => Array.IndexOf(ReservedNames, type) >= 0;

    public static byte[] Retry(int milliseconds) => SseFrame.ToBytes(f => f.Retry(milliseconds).End());

    /// <summary>Advances the client's last event id without dispatching an event.</summary>
    public static byte[] IdOnly(StreamId id) => SseFrame.ToBytes(f => f.Id(id.ToString()).End());

    public static byte[] Connected(StreamId startsAfter, string connectionId, string replica, StreamId head) =>
        Named(
            startsAfter,
            "connected",
            new
            {
                connectionId,
                replica,
                epoch = head.Epoch,
                head = head.ToString(),
            }
        );

    /// <summary>
    /// The requested id cannot be resumed from; the stream continues after <paramref name="resumedFrom"/>.
    /// </summary>
    public static byte[] Resync(ResyncReason reason, string? requested, StreamId resumedFrom) =>
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

    /// <summary>
    /// Range of events that a slow client is not sent. The frame has no id, because events within the range may still
    /// follow.
    /// </summary>
    public static byte[] Skipped(string epoch, long from, long to, long count) =>
        Named(
            null,
            "skipped",
            new
            {
                from = new StreamId(epoch, from).ToString(),
                to = new StreamId(epoch, to).ToString(),
                count,
            }
        );

    /// <summary>
    /// The right to read this stream ends soon (<c>expiring</c>, in time to renew it) or has ended (<c>expired</c>,
    /// <c>replaced</c>), and the stream with it.
    /// </summary>
    public static byte[] Unauthorized(string reason, DateTimeOffset? expiresAt) =>
        Named(null, "unauthorized", new { reason, expiresAt = expiresAt?.UtcDateTime });

    public static byte[] Named(StreamId? id, string name, object data) =>
        SseFrame.ToBytes(f =>
        {
            if (id is { } known)
                f.Id(known.ToString());
            f.Event(name).Data(JsonSerializer.SerializeToUtf8Bytes(data, Json)).End();
        });
}

/// <summary>Reason why a stream cannot resume from an id.</summary>
internal enum ResyncReason
{
    /// <summary>Retention has deleted events after the id.</summary>
    Expired,

    /// <summary>The id belongs to another history: the store was reset, restored or promoted.</summary>
    Epoch,

    /// <summary>The id is beyond the head.</summary>
    Future,

    /// <summary>The id is not in our format.</summary>
    Malformed,
}
