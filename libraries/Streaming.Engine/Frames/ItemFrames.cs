using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using EventStore;

namespace Streaming.Frames;

/// <summary>Frames the items of an application: text (a string or UTF-8 bytes) as it is, other data as JSON, and null
/// as a position.</summary>
internal static class ItemFrames
{
    /// <summary>Returns an item as one frame.</summary>
    /// <param name="id">The frame's id, instead of the item's own, or null if there is none.</param>
    /// <param name="json">How data become JSON.</param>
    /// <exception cref="ArgumentException">CR, LF or NUL in the id.</exception>
    public static byte[] ToBytes<T>(string? id, SseItem<T> item, JsonSerializerOptions json)
    {
        var (data, type) = DataOf(item, json);
        return SseFrame.ToBytes(data, type, id, (int?)item.ReconnectionInterval?.TotalMilliseconds);
    }

    /// <summary>Returns an item's data, and the name of its frame.</summary>
    public static (byte[] Data, string? Type) DataOf<T>(SseItem<T> item, JsonSerializerOptions json)
    {
        var name = item.EventType == SseParser.EventTypeDefault ? null : item.EventType;
        return item.Data switch
        {
            null => ("{}"u8.ToArray(), ControlFrames.PositionType),
            string text => (Encoding.UTF8.GetBytes(text), name),
            byte[] text => (text, name),
            _ => (JsonSerializer.SerializeToUtf8Bytes(item.Data, json.TypeOf(item.Data)), name),
        };
    }
}
