using System.Text.Json;

namespace Streaming.Frames;

/// <summary>JSON as frames and history write it: the data of an event goes out as it was published.</summary>
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
}
