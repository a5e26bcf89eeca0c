using System.Buffers;
using EventStore;
using Streaming.Frames;

namespace LlmGateway.Generations;

/// <summary>
/// Frames of a generation: <c>token</c>, <c>tool_use</c>, <c>state</c> while it waits for its provider, and at the end
/// <c>done</c> or <c>error</c>. Every frame's id identifies the generation.
/// </summary>
internal sealed class GenerationFormat : FrameFormat
{
    public static readonly IReadOnlyCollection<string> EndTypes = ["done", "error"];

    public static GenerationFormat Instance { get; } = new();

    private GenerationFormat() { }

    public override bool SendsPositions => false;

    public override bool Ends(EventRecord e) => e.Type is "done" or "error";

    public override void Write(IBufferWriter<byte> output, string id, EventRecord e) =>
        new SseFrame(output).Id(id).Event(e.Type).Data(e.Data.Span).End();
}
