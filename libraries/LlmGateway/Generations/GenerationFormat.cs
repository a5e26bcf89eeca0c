using System.Buffers;
using Streaming.Frames;

namespace LlmGateway.Generations;

/// <summary>
/// Frames of a generation: <c>token</c>, <c>reasoning</c>, <c>tool_use</c>, <c>state</c> while it waits for its
/// provider, <c>restarted</c> when another replica continues it, and at the end <c>done</c> or <c>error</c>. Every
/// frame's id identifies the generation.
/// </summary>
/// <remarks>Frames of agents have their own types, but leave out the same details.</remarks>
internal sealed class GenerationFormat(
    Func<string, bool> isNamed,
    bool namesInData,
    IReadOnlyCollection<string> ends,
    bool sendsPositions
) : NamedFormat(isNamed, namesInData, ends, sendsPositions)
{
    public static readonly IReadOnlyCollection<string> EndTypes = ["done", "error"];

    public static FrameFormat Instance { get; } =
        new GenerationFormat(_ => true, namesInData: false, EndTypes, sendsPositions: false);

    /// <summary>Makes the three formats of an agent's stream. A stream that goes on after its answers sends
    /// positions.</summary>
    /// <inheritdoc cref="NamedFormatChoice.Of" path="/param"/>
    public static NamedFormatChoice Choice(Func<string, bool> isNamed, IReadOnlyCollection<string> ends) =>
        new((named, inData) => new GenerationFormat(named, inData, ends, sendsPositions: ends.Count == 0), isNamed);

    public override void Write(IBufferWriter<byte> output, string id, EventRecord record)
    {
        if (record.Type is GenerationEvents.Continuation or GenerationEvents.Update)
            return;

        var data = MayHaveDetails(record) ? GenerationEvents.WithoutDetails(record.Data) : record.Data;
        // Most tokens have no details, and their data is not copied.
        base.Write(output, id, data.Length == record.Data.Length ? record : record with { Data = data });
    }

    private static bool MayHaveDetails(EventRecord record) => record.Type is "token" or "tool_use" or "done" or "error";
}
