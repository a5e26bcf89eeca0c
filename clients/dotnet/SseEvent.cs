using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AspireSse.Client;

/// <summary>A received event. Immutable; stays valid after the next one arrives.</summary>
public sealed class SseEvent
{
    internal SseEvent(string type, string id, ReadOnlyMemory<byte> utf8)
    {
        Type = type;
        Id = id;
        Utf8Data = utf8;
    }

    /// <summary>The <c>event</c> field; <c>message</c> if it is missing or empty.</summary>
    public string Type { get; }

    /// <summary>
    /// The last event id as of this event: its own, or the previous one; empty if there was none. Opaque. To resume
    /// after this event, store the id once the event is processed and pass it as <see cref="SseRequest.LastEventId"/>.
    /// </summary>
    public string Id { get; }

    /// <summary>The data as UTF-8. Several <c>data</c> lines are joined by LF.</summary>
    public ReadOnlyMemory<byte> Utf8Data { get; }

    /// <summary>The data as text, decoded at each call.</summary>
    public string Data => Encoding.UTF8.GetString(Utf8Data.Span);

    /// <summary>Parses the data as JSON. Returns null for JSON <c>null</c>.</summary>
    /// <exception cref="JsonException">The data is not JSON, or does not match the type.</exception>
    public T? Json<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Utf8Data.Span, type);

    /// <summary>
    /// Parses the data as JSON by reflection, with web defaults (camelCase) if <paramref name="options"/> is null.
    /// </summary>
    /// <exception cref="JsonException">The data is not JSON, or does not match the type.</exception>
    [
        RequiresUnreferencedCode("Uses reflection. Pass a JsonTypeInfo in trimmed applications."),
        RequiresDynamicCode("Uses reflection. Pass a JsonTypeInfo with ahead-of-time compilation.")
    ]
    public T? Json<T>(JsonSerializerOptions? options = null) =>
        JsonSerializer.Deserialize<T>(Utf8Data.Span, options ?? JsonSerializerOptions.Web);

    /// <summary>
    /// The server's <c>connected</c> event, or null: the stream is open and starts after <see cref="Id"/>.
    /// </summary>
    public SseConnected? Connected => Control("connected", ClientJson.Default.SseConnected);

    /// <summary>The server's <c>resync</c> event, or null: events before <see cref="Id"/> may be missing.</summary>
    public SseResync? Resync => Control("resync", ClientJson.Default.SseResync);

    /// <summary>The server's <c>skipped</c> event, or null: this reader was slow and asked to skip events.</summary>
    public SseSkipped? Skipped => Control("skipped", ClientJson.Default.SseSkipped);

    /// <summary>The server's <c>unauthorized</c> event, or null: the credentials end this connection.</summary>
    public SseUnauthorized? Unauthorized => Control("unauthorized", ClientJson.Default.SseUnauthorized);

    /// <summary>True if the server only tells where the stream is.</summary>
    internal bool IsPosition =>
        Type switch
        {
            "begin" => Utf8Data.Span.SequenceEqual("""{"type":"begin"}"""u8),
            "position" => Utf8Data.Span.SequenceEqual("{}"u8),
            _ => false,
        };

    /// <inheritdoc/>
    public override string ToString() => $"{Type} {Id} {Data}";

    // Another server may use the same name for its own events.
    private T? Control<T>(string type, JsonTypeInfo<T> json)
        where T : class
    {
        if (Type != type)
            return null;
        try
        {
            return JsonSerializer.Deserialize(Utf8Data.Span, json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
