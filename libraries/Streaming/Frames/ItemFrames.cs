using System.Net.ServerSentEvents;
using System.Text.Json;
using EventStore;

namespace Streaming.Frames;

/// <summary>Frames the items of an application: text as it is, other data as JSON, null as no data.</summary>
internal static class ItemFrames
{
    /// <summary>Writes an item as one frame, which ends with it.</summary>
    /// <exception cref="ArgumentException">CR, LF or NUL in the id.</exception>
    public static void Write<T>(SseFrame frame, string? id, SseItem<T> item, JsonSerializerOptions json)
    {
        if (id is not null)
            frame.Id(id);

        WriteFields(frame, item, json);
        frame.End();
    }

    /// <summary>Writes an item as the fields of a frame, without an id and without the end.</summary>
    public static void WriteFields<T>(SseFrame frame, SseItem<T> item, JsonSerializerOptions json)
    {
        if (item.EventType != SseParser.EventTypeDefault)
            frame.Event(item.EventType);
        if (item.ReconnectionInterval is { } retry)
            frame.Retry((int)retry.TotalMilliseconds);

        if (item.Data is string text)
            frame.Data(text);
        else if (item.Data is not null)
            frame.Data(JsonSerializer.SerializeToUtf8Bytes(item.Data, json.TypeOf<T>()));
    }
}
