using System.Net.ServerSentEvents;
using System.Text.Json;
using EventStore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Tasks;

/// <summary>Data of a frame, as in the article.</summary>
internal sealed record TaskFrame<T>(Guid Id, string Event, T Data, DateTime Timestamp);

/// <summary>Shows an event as the article does, with its type in the data. The first event of a stream, which the
/// article sends too, has the article's text.</summary>
internal static class TaskFrame
{
    public static SseItem<object?>? Unnamed(EventRecord e) => new(FrameOf(e));

    public static SseItem<object?>? Named(EventRecord e) => new(FrameOf(e), e.Type);

    private static TaskFrame<object> FrameOf(EventRecord e) =>
        new(
            e.Id,
            e.Type,
            e.Type == "connected"
                ? new { message = "SSE connection established" }
                : JsonSerializer.Deserialize<JsonElement>(e.Data.Span),
            e.Time.WholeMilliseconds().UtcDateTime
        );
}
