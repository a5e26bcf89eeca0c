using System.Buffers;
using System.Text.Json;
using EventStore;

namespace Streaming.Frames;

/// <summary>Writes the JSON envelope of an event, for frames and for history.</summary>
internal static class FrameJson
{
    /// <summary>Leaves text readable (<see cref="ReadableJsonEncoder"/>): it is never embedded in HTML here.</summary>
    public static readonly JsonWriterOptions Options = new()
    {
        Encoder = ReadableJsonEncoder.Instance,
        SkipValidation = true,
    };

    /// <summary>Writes <c>{"id","position","topic","type","key","data","time","traceparent"}</c>.</summary>
    public static void WriteEnvelope(Utf8JsonWriter json, string position, EventRecord record)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, record.Id);
        json.WriteString("position"u8, position);
        json.WriteString("topic"u8, record.Topic);
        json.WriteString("type"u8, record.Type);
        json.WriteString("key"u8, record.Key);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(record.Data.Span, skipInputValidation: true);
        json.WriteString("time"u8, record.Time.UtcDateTime);
        json.WriteString("traceparent"u8, record.TraceParent);
        json.WriteEndObject();
    }

    public static byte[] Envelope(string position, EventRecord record)
    {
        var output = new ArrayBufferWriter<byte>(record.Data.Length + 256);
        using (var json = new Utf8JsonWriter(output, Options))
            WriteEnvelope(json, position, record);
        return output.WrittenSpan.ToArray();
    }
}
