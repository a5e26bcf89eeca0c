using System.Net.ServerSentEvents;
using System.Text.Json;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Tasks;

/// <summary>Data of a frame, as in the article.</summary>
internal sealed record TaskFrame<T>(Guid Id, string Event, T Data, DateTime Timestamp);

/// <summary>Shows an event as the article does, with its type in the data.</summary>
internal static class TaskFrame
{
    private const string Connected = "connected";

    public static SseItem<object?>? Unnamed(EventRecord record) => new(FrameOf(record));

    public static SseItem<object?>? Named(EventRecord record) => new(FrameOf(record), record.Type);

    /// <summary>The first event of a stream, which the article sends too.</summary>
    public static SseItem<object?> Greeting(bool isNamed, DateTimeOffset now)
    {
        var frame = new TaskFrame<object>(
            Guid.CreateVersion7(),
            Connected,
            new { message = "SSE connection established" },
            now.WholeMilliseconds().UtcDateTime
        );
        return new(frame, isNamed ? Connected : null);
    }

    private static TaskFrame<object> FrameOf(EventRecord record) =>
        new(
            record.Id,
            record.Type,
            JsonSerializer.Deserialize<JsonElement>(record.Data.Span),
            record.Time.WholeMilliseconds().UtcDateTime
        );
}
