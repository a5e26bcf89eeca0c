using System.Buffers;
using Streaming.Frames;

namespace LlmGateway.Generations;

/// <summary>
/// Frames of a generation: <c>token</c>, <c>reasoning</c>, <c>tool_use</c>, <c>state</c> while it waits for its
/// provider, <c>restarted</c> when another replica continues it, and at the end <c>done</c> or <c>error</c>. Every
/// frame's id identifies the generation.
/// </summary>
internal static class GenerationFormat
{
    public static readonly IReadOnlyCollection<string> EndTypes = ["done", "error"];

    public static FrameFormat Instance { get; } = new WithoutDetails();

    private sealed class WithoutDetails() : NamedFormat(_ => true, namesInData: false, EndTypes, sendsPositions: false)
    {
        public override void Write(IBufferWriter<byte> output, string id, EventRecord record)
        {
            if (record.Type == GenerationEvents.Continuation)
                return;

            var data = MayHaveDetails(record) ? GenerationEvents.WithoutDetails(record.Data) : record.Data;
            // Most tokens have no details, and their data is not copied.
            base.Write(output, id, data.Length == record.Data.Length ? record : record with { Data = data });
        }

        private bool MayHaveDetails(EventRecord record) => record.Type == "token" || Ends(record);
    }
}
