using System.Buffers;
using System.Runtime.CompilerServices;
using Streaming.Frames;
using Streaming.Opening;

namespace Runs;

/// <summary>Adds to each event id the run's random id, which is the right to read a run without an owner. Each format
/// has one instance, so that readers of a run share frames.</summary>
internal sealed class SecretIdFormat : FrameFormat
{
    private static readonly ConditionalWeakTable<FrameFormat, SecretIdFormat> Formats = [];

    private readonly FrameFormat _frames;

    private SecretIdFormat(FrameFormat frames) => _frames = frames;

    public static SecretIdFormat Of(FrameFormat frames) => Formats.GetValue(frames, added => new SecretIdFormat(added));

    public override bool SendsPositions => _frames.SendsPositions;

    public override bool Ends(EventRecord record) => _frames.Ends(record);

    public override string IdOf(StreamPosition at, string topic) =>
        LastEventId.WithSecret(at, topic[(topic.IndexOf('.') + 1)..]);

    public override void Write(IBufferWriter<byte> output, string id, EventRecord record) =>
        _frames.Write(output, id, record);
}
