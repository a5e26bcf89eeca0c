using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EventStore;

namespace Streaming.Frames;

/// <summary>Frames that the server sends about the stream itself: its start, gaps, and its end.</summary>
internal static class ControlFrames
{
    /// <summary>Types of the first event of a stream (<c>connected</c>, or <c>begin</c> for clients that expect no
    /// event of the stream's own), and of an event that only tells a position.</summary>
    public const string ConnectedType = "connected",
        BeginType = "begin",
        PositionType = "position";

    /// <summary>Comment that keeps proxies and clients from taking a quiet stream for dead.</summary>
    public static readonly byte[] Heartbeat = ": heartbeat\n"u8.ToArray();

    /// <summary>Reports that missed events cannot be read; without an id, so that the client keeps its own.</summary>
    public static readonly byte[] Unavailable = Named(
        (string?)null,
        "error",
        new Outage(
            "The event log cannot be read at the moment. Reconnect with the last event id; nothing is lost.",
            Fatal: false,
            "unavailable"
        ),
        ControlFrameJson.Readable.Outage
    );

    /// <summary>Says only where a stream begins. Its data has a type, because the articles' clients read the type in
    /// each event's data.</summary>
    public static byte[] Begin(string id, int? retry = null) =>
        SseFrame.ToBytes("""{"type":"begin"}"""u8, BeginType, id, retry);

    /// <summary>Tells the reconnection time of a stream that ends.</summary>
    public static byte[] Retry(int milliseconds) => SseFrame.ToBytes("{}"u8, PositionType, retry: milliseconds);

    /// <summary>Advances the client's last event id. It has data, because some clients forget the id of a frame without
    /// data.</summary>
    public static byte[] Position(StreamPosition id) => Position(id.ToString());

    /// <inheritdoc cref="Position(StreamPosition)"/>
    public static byte[] Position(string id, int? retry = null) => SseFrame.ToBytes("{}"u8, PositionType, id, retry);

    public static byte[] ConnectedData(string connectionId, string replica, StreamPosition head) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new Start(connectionId, replica, head.Epoch, head.ToString()),
            ControlFrameJson.Readable.Start
        );

    /// <summary>Refuses to resume after an id; the stream continues after <paramref name="resumedFrom"/>.</summary>
    public static byte[] Resync(ResyncReason reason, string? requested, string resumedFrom) =>
        Named(
            resumedFrom,
            "resync",
            new Refused(reason.ToString().ToLowerInvariant(), requested, resumedFrom),
            ControlFrameJson.Readable.Refused
        );

    /// <summary>Reports a range of events that a slow client is not sent. It has no id, because other events of the
    /// range may follow.</summary>
    public static byte[] Skipped(string epoch, long from, long to, long count) =>
        Named(
            (string?)null,
            "skipped",
            new Gap(new StreamPosition(epoch, from).ToString(), new StreamPosition(epoch, to).ToString(), count),
            ControlFrameJson.Readable.Gap
        );

    /// <summary>Reports that the right ends soon (expiring), or has ended the stream (expired, replaced).</summary>
    public static byte[] Unauthorized(string reason, DateTimeOffset? expiresAt) =>
        Named(
            (string?)null,
            "unauthorized",
            new RightEnd(reason, expiresAt?.UtcDateTime),
            ControlFrameJson.Readable.RightEnd
        );

    public static byte[] Named<T>(StreamPosition? id, string name, T data) =>
        Named(id, name, data, ReadableJsonEncoder.Web.TypeOf<T>());

    public static byte[] Named<T>(StreamPosition? id, string name, T data, JsonTypeInfo<T> type) =>
        Named(id?.ToString(), name, data, type);

    private static byte[] Named<T>(string? id, string name, T data, JsonTypeInfo<T> type) =>
        Named(id, name, JsonSerializer.SerializeToUtf8Bytes(data, type));

    private static byte[] Named(string? id, string name, byte[] json) => SseFrame.ToBytes(json, name, id);

    internal sealed record Start(string ConnectionId, string Replica, string Epoch, string Head);

    internal sealed record Outage(string Error, bool Fatal, string Reason);

    internal sealed record Refused(string Reason, string? Requested, string ResumedFrom);

    internal sealed record Gap(string From, string To, long Count);

    internal sealed record RightEnd(string Reason, DateTime? ExpiresAt);
}

/// <summary>Writes the data of control frames without reflection.</summary>
[JsonSerializable(typeof(ControlFrames.Start))]
[JsonSerializable(typeof(ControlFrames.Outage))]
[JsonSerializable(typeof(ControlFrames.Refused))]
[JsonSerializable(typeof(ControlFrames.Gap))]
[JsonSerializable(typeof(ControlFrames.RightEnd))]
internal sealed partial class ControlFrameJson : JsonSerializerContext
{
    /// <summary>Leaves text readable, whatever the application's JSON is.</summary>
    public static ControlFrameJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
