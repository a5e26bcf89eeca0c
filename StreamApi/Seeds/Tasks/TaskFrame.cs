using System.Net.ServerSentEvents;
using System.Text.Json;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Tasks;

/// <summary>Data of a frame, as in the article.</summary>
internal sealed record TaskFrame<T>(Guid Id, string Event, T Data, DateTime Timestamp);

/// <summary>Shows an event as the article does, with its type in the data. The first event of a stream, which the
/// article sends too, has the article's text.</summary>
internal static class TaskFrame
{
    public static SseItem<object?>? Unnamed(EventRecord record) => new(FrameOf(record));

    public static SseItem<object?>? Named(EventRecord record) => new(FrameOf(record), record.Type);

    private static TaskFrame<object> FrameOf(EventRecord record) =>
        new(
            record.Id,
            record.Type,
            record.Type == "connected"
                ? new { message = "SSE connection established" }
                : JsonSerializer.Deserialize<JsonElement>(record.Data.Span),
            record.Time.WholeMilliseconds().UtcDateTime
        );
}
