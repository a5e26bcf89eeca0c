using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AspireSse.Client;

/// <summary>One event as received. Immutable; it stays valid after the next one came.</summary>
public sealed class SseEvent
{
    internal SseEvent(string type, string id, ReadOnlyMemory<byte> utf8)
    {
        Type = type;
        Id = id;
        Utf8Data = utf8;
    }

    /// <summary>The <c>event</c> field; <c>message</c> where there is none or an empty one.</summary>
    public string Type { get; }

    /// <summary>
    /// The last event id as of this event: its own, or the one before it where it has none; empty where none came yet.
    /// Opaque. To resume
    /// after this event, keep it once the event is dealt with and give it to <see cref="SseRequest.LastEventId"/>.
    /// </summary>
    public string Id { get; }

    /// <summary>The data as UTF-8; several <c>data</c> lines are joined by LF.</summary>
    public ReadOnlyMemory<byte> Utf8Data { get; }

    /// <summary>The data as text, decoded at each call.</summary>
    public string Data => Encoding.UTF8.GetString(Utf8Data.Span);

    /// <summary>The data read as JSON; null for JSON's <c>null</c>.</summary>
    /// <exception cref="JsonException">Not JSON, or not of this shape.</exception>
    public T? Json<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Utf8Data.Span, type);

    /// <summary>The data read as JSON, by reflection; with the web defaults (camelCase) where <paramref
    /// name="options"/> is null.</summary>
    /// <exception cref="JsonException">Not JSON, or not of this shape.</exception>
    [
        RequiresUnreferencedCode("Reads by reflection. Where code is trimmed, give a JsonTypeInfo."),
        RequiresDynamicCode("Reads by reflection. Ahead of time, give a JsonTypeInfo.")
    ]
    public T? Json<T>(JsonSerializerOptions? options = null) =>
        JsonSerializer.Deserialize<T>(Utf8Data.Span, options ?? JsonSerializerOptions.Web);

    /// <summary>Set where this is the server's <c>connected</c>: the stream is open and starts after <see
    /// cref="Id"/>.</summary>
    public SseConnected? Connected => Control("connected", ClientJson.Default.SseConnected);

    /// <summary>Set where this is the server's <c>resync</c>: what lies before <see cref="Id"/> may be
    /// missing.</summary>
    public SseResync? Resync => Control("resync", ClientJson.Default.SseResync);

    /// <summary>Set where this is the server's <c>skipped</c>: this reader was too slow, by its own choice.</summary>
    public SseSkipped? Skipped => Control("skipped", ClientJson.Default.SseSkipped);

    /// <inheritdoc/>
    public override string ToString() => $"{Type} {Id} {Data}";

    // Another server may use the name for something else: then it is an event like others.
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
