using System.Buffers;

namespace Streaming.Frames;

/// <summary>The format of streams whose events a function of the application forms. Their rings hold the events
/// themselves, and no frames: the function runs for each stream alone (<see cref="Showing.ShownEvents"/>).</summary>
internal sealed class ShownFormat : FrameFormat
{
    public static ShownFormat Instance { get; } = new();

    private ShownFormat() { }

    public override bool IsShown => true;

    public override void Write(IBufferWriter<byte> output, string id, EventRecord record) =>
        throw new NotSupportedException("A function of the application forms these events.");
}
