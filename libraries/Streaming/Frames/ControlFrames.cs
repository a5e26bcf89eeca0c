using System.Text.Json;
using EventStore;

namespace Streaming.Frames;

/// <summary>The frames that the stream itself sends: where it starts, what was skipped, how it ends.</summary>
internal static class ControlFrames
{
    /// <summary>A comment keeps proxies and clients from taking a quiet stream for dead.</summary>
    public static readonly byte[] Heartbeat = ": heartbeat\n\n"u8.ToArray();

    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = ReadableJsonEncoder.Instance,
    };

    /// <summary>The events that a reader lacks cannot be read from the store. It carries no id: the reader comes back
    /// with the one it has.</summary>
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

    /// <summary>The event types that streams send by themselves: a client must be able to believe them.</summary>
    public static string ReservedTypes { get; } = string.Join(", ", ReservedNames);

    public static bool IsReservedType(string type) => Array.IndexOf(ReservedNames, type) >= 0;

    public static byte[] Retry(int milliseconds) => SseFrame.ToBytes(f => f.Retry(milliseconds).End());

    /// <summary>Moves the client's last event id and dispatches nothing.</summary>
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

    /// <summary>The requested id cannot be honoured; the stream goes on after <paramref name="resumedFrom"/>.</summary>
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

    /// <summary>Events that a slow reader is not sent. It carries no id: events that are sent still follow.</summary>
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

    /// <summary>The right to read this stream ends (<c>expiring</c>, with the time to renew it) or has ended
    /// (<c>expired</c>, <c>replaced</c>), and the stream with it.</summary>
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

/// <summary>Why an id could not be honoured.</summary>
internal enum ResyncReason
{
    /// <summary>Retention has dropped what followed it.</summary>
    Expired,

    /// <summary>It is of another history: the store was reset, restored or promoted.</summary>
    Epoch,

    /// <summary>It lies beyond the head.</summary>
    Future,

    /// <summary>It is no id of ours.</summary>
    Malformed,
}
