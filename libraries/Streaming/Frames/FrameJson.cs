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
    public static void WriteEnvelope(Utf8JsonWriter json, string position, EventRecord e)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, e.Id);
        json.WriteString("position"u8, position);
        json.WriteString("topic"u8, e.Topic);
        json.WriteString("type"u8, e.Type);
        json.WriteString("key"u8, e.Key);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(e.Data.Span, skipInputValidation: true);
        json.WriteString("time"u8, e.Time.UtcDateTime);
        json.WriteString("traceparent"u8, e.TraceParent);
        json.WriteEndObject();
    }

    public static byte[] Envelope(string position, EventRecord e)
    {
        var output = new ArrayBufferWriter<byte>(e.Data.Length + 256);
        using (var json = new Utf8JsonWriter(output, Options))
            WriteEnvelope(json, position, e);
        return output.WrittenSpan.ToArray();
    }
}
