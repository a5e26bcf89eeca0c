using System.Buffers;
using System.Text.Json;
using EventStore;

namespace Streaming.Frames;

/// <summary>
/// The JSON of frames and of history: the data as published, with the type for some streams at <c>?named=false</c>
/// (<see cref="NamedFormat"/>), or an envelope with all fields of the event. Other formats write their own.
/// </summary>
internal static class FrameJson
{
    /// <summary>
    /// Escapes only what JSON requires, so that UTF-8 stays readable. The result is never embedded in HTML here.
    /// </summary>
    public static readonly JsonWriterOptions Options = new()
    {
        Encoder = ReadableJsonEncoder.Instance,
        SkipValidation = true,
    };

    /// <summary>
    /// Writes <c>{"id","position","topic","type","key","data","time","traceparent"}</c>.
    /// </summary>
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

    /// <summary>Returns the envelope of an event.</summary>
    public static byte[] Envelope(string position, EventRecord e)
    {
        var output = new ArrayBufferWriter<byte>(e.Data.Length + 256);
        using (var json = new Utf8JsonWriter(output, Options))
            WriteEnvelope(json, position, e);
        return output.WrittenSpan.ToArray();
    }
}
