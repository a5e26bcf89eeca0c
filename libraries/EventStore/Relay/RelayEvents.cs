using System.Text.Encodings.Web;
using System.Text.Json;

namespace EventStore;

/// <summary>
/// The events in a <see cref="SlotBody"/>, as JSON:
/// <c>[{"position":…,"id":…,"topic":…,"type":…,"key":…,"time":…,"traceparent":…,"data":…}]</c>.
/// </summary>
internal static class RelayEvents
{
    public static void Write(Stream output, IReadOnlyList<EventRecord> events)
    {
        using var json = new Utf8JsonWriter(
            output,
            new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
        );
        json.WriteStartArray();
        foreach (var e in events)
            Write(json, e);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, EventRecord e)
    {
        json.WriteStartObject();
        json.WriteNumber("position"u8, e.Position);
        json.WriteString("id"u8, e.Id);
        json.WriteString("topic"u8, e.Topic);
        json.WriteString("type"u8, e.Type);
        if (e.Key is not null)
            json.WriteString("key"u8, e.Key);
        json.WriteNumber("time"u8, e.Time.UtcTicks);
        if (e.TraceParent is not null)
            json.WriteString("traceparent"u8, e.TraceParent);
        if (!e.Data.IsEmpty)
        {
            json.WritePropertyName("data"u8);
            json.WriteRawValue(e.Data.Span, skipInputValidation: true);
        }
        json.WriteEndObject();
    }

    /// <summary>Reads the events. Their data are slices of <paramref name="bytes"/>, which must not change
    /// afterwards.</summary>
    /// <exception cref="JsonException">The bytes are not such an array.</exception>
    public static List<EventRecord> Read(ReadOnlyMemory<byte> bytes)
    {
        // The text is signed. It may nest deeper than the reader's default, because data accepted over HTTP reach that
        // depth already.
        var json = new Utf8JsonReader(bytes.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var events = new List<EventRecord>();
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
            events.Add(ReadEvent(ref json, bytes));
        return events;
    }

    private static EventRecord ReadEvent(ref Utf8JsonReader json, ReadOnlyMemory<byte> bytes)
    {
        long position = 0,
            ticks = 0;
        Guid id = default;
        string topic = "",
            type = "";
        string? key = null,
            traceParent = null;
        ReadOnlyMemory<byte> data = default;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var member = json.GetString()!;
            json.Read();
            switch (member)
            {
                case "position":
                    position = json.GetInt64();
                    break;
                case "id":
                    id = json.GetGuid();
                    break;
                case "topic":
                    topic = json.GetString()!;
                    break;
                case "type":
                    type = json.GetString()!;
                    break;
                case "key":
                    key = json.GetString();
                    break;
                case "time":
                    ticks = json.GetInt64();
                    break;
                case "traceparent":
                    traceParent = json.GetString();
                    break;
                case "data":
                    var start = (int)json.TokenStartIndex;
                    json.Skip();
                    data = bytes[start..(int)json.BytesConsumed];
                    break;
                default:
                    json.Skip();
                    break;
            }
        }
        return new EventRecord(
            position,
            id,
            topic,
            type,
            key,
            data,
            new DateTimeOffset(ticks, TimeSpan.Zero),
            traceParent
        );
    }
}
