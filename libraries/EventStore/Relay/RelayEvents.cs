using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EventStore;

/// <summary>The events of a <see cref="RelayPage"/>, as JSON:
/// <c>[{"position":…,"id":…,"topic":…,"type":…,"key":…,"time":…,"traceparent":…,"data":…}]</c>.</summary>
internal static class RelayEvents
{
    public static void Write(IBufferWriter<byte> output, IReadOnlyList<EventRecord> events)
    {
        using var json = new Utf8JsonWriter(
            output,
            new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
        );
        json.WriteStartArray();

        foreach (var record in events)
            Write(json, record);

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, EventRecord record)
    {
        json.WriteStartObject();
        json.WriteNumber("position"u8, record.Position);
        json.WriteString("id"u8, record.Id);
        json.WriteString("topic"u8, record.Topic);
        json.WriteString("type"u8, record.Type);

        if (record.Key is not null)
            json.WriteString("key"u8, record.Key);

        json.WriteNumber("time"u8, record.Time.UtcTicks);

        if (record.TraceParent is not null)
            json.WriteString("traceparent"u8, record.TraceParent);

        if (!record.Data.IsEmpty)
        {
            json.WritePropertyName("data"u8);
            json.WriteRawValue(record.Data.Span, skipInputValidation: true);
        }

        json.WriteEndObject();
    }

    /// <summary>Reads the events of an epoch; their data are slices of <paramref name="bytes"/>, which must not
    /// change.</summary>
    /// <exception cref="JsonException">The bytes are not an array of events.</exception>
    public static List<EventRecord> Read(string epoch, ReadOnlyMemory<byte> bytes)
    {
        // The text is signed. It may nest deeper than the reader's default, because data accepted over HTTP reach that
        // depth already.
        var json = new Utf8JsonReader(bytes.Span, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var events = new List<EventRecord>();
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.StartObject)
            events.Add(ReadEvent(epoch, ref json, bytes));
        return events;
    }

    private static EventRecord ReadEvent(string epoch, ref Utf8JsonReader json, ReadOnlyMemory<byte> bytes)
    {
        var members = new Members();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            members.ReadNext(ref json, bytes);

        return members.ToRecord(epoch);
    }

    private struct Members()
    {
        private long _position;
        private long _ticks;
        private Guid _id;
        private string _topic = "";
        private string _type = "";
        private string? _key;
        private string? _traceParent;
        private ReadOnlyMemory<byte> _data;

        public void ReadNext(ref Utf8JsonReader json, ReadOnlyMemory<byte> bytes)
        {
            // Compared as bytes, in the order in which they are written: a string of each name would cost more than
            // all values.
            if (IsNext(ref json, "position"u8))
                _position = json.GetInt64();
            else if (IsNext(ref json, "id"u8))
                _id = json.GetGuid();
            else if (IsNext(ref json, "topic"u8))
                _topic = json.GetString()!;
            else if (IsNext(ref json, "type"u8))
                _type = json.GetString()!;
            else if (IsNext(ref json, "key"u8))
                _key = json.GetString();
            else if (IsNext(ref json, "time"u8))
                _ticks = json.GetInt64();
            else if (IsNext(ref json, "traceparent"u8))
                _traceParent = json.GetString();
            else if (IsNext(ref json, "data"u8))
                _data = ReadValue(ref json, bytes);
            else
                json.Skip();
        }

        public readonly EventRecord ToRecord(string epoch) =>
            new()
            {
                At = new StreamPosition(epoch, _position),
                Id = _id,
                Topic = _topic,
                Type = _type,
                Key = _key,
                Data = _data,
                Time = new DateTimeOffset(_ticks, TimeSpan.Zero),
                TraceParent = _traceParent,
            };

        /// <summary>Goes on to the value if the member has this name.</summary>
        private static bool IsNext(ref Utf8JsonReader json, ReadOnlySpan<byte> name) =>
            json.ValueTextEquals(name) && json.Read();

        private static ReadOnlyMemory<byte> ReadValue(ref Utf8JsonReader json, ReadOnlyMemory<byte> bytes)
        {
            var start = (int)json.TokenStartIndex;
            json.Skip();
            return bytes[start..(int)json.BytesConsumed];
        }
    }
}
