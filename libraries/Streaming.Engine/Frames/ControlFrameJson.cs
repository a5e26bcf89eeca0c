using System.Text.Json.Serialization;

namespace Streaming.Frames;

/// <summary>Writes the data of control frames without reflection.</summary>
[JsonSerializable(typeof(ControlFrames.Start))]
[JsonSerializable(typeof(ControlFrames.Outage))]
[JsonSerializable(typeof(ControlFrames.Refused))]
[JsonSerializable(typeof(ControlFrames.Gap))]
[JsonSerializable(typeof(ControlFrames.RightEnd))]
internal sealed partial class ControlFrameJson : JsonSerializerContext
{
    /// <summary>Leaves text readable, whatever the application's JSON is.</summary>
    public static ControlFrameJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
