using System.Buffers;

namespace Streaming.Frames;

/// <summary>Frames an event with all its fields, for dashboards and relays.</summary>
internal sealed class EnvelopeFormat : FrameFormat
{
    public static EnvelopeFormat Instance { get; } = new();

    private EnvelopeFormat() { }

    public override void Write(IBufferWriter<byte> output, string id, EventRecord record) =>
        SseFrame.Write(output, FrameJson.Envelope(id, record), record.Type, id);
}
