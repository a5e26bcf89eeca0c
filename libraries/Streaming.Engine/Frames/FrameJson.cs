using System.Buffers;
using System.Text.Json;

namespace Streaming.Frames;

/// <summary>Writes the JSON of frames.</summary>
internal static class FrameJson
{
    /// <summary>Leaves text readable (<see cref="ReadableJsonEncoder"/>): it is never embedded in HTML here.</summary>
    public static readonly JsonWriterOptions Options = new()
    {
        Encoder = ReadableJsonEncoder.Instance,
        SkipValidation = true,
    };

    public static byte[] Envelope(string position, EventRecord record)
    {
        var output = new ArrayBufferWriter<byte>(record.Data.Length + 256);
        using (var json = new Utf8JsonWriter(output, Options))
            record.WriteTo(json, position);
        return output.WrittenSpan.ToArray();
    }
}
