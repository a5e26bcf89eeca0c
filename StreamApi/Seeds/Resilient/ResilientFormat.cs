using System.Buffers;
using System.Text.Json;
using EventStore;
using Streaming.Frames;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Writes unnamed messages, <c>retry: 4000</c> while the source fails, and <c>event: error</c> after the last retry.
/// </summary>
internal sealed class ResilientFormat : NamedFormat
{
    public const string Message = "message",
        Retry = "retry",
        Error = "error";

    public static readonly NamedFormats Formats = new(
        (isNamed, namesInData) => new ResilientFormat(isNamed, namesInData),
        type => type == Error
    );

    private ResilientFormat(Func<string, bool> isNamed, bool namesInData)
        : base(isNamed, namesInData, [Error], sendsPositions: true) { }

    public override void Write(IBufferWriter<byte> output, string id, EventRecord e)
    {
        if (e.Type != Retry)
        {
            base.Write(output, id, e);
            return;
        }
        using var data = JsonDocument.Parse(e.Data);
        var frame = new SseFrame(output).Id(id);
        if (
            data.RootElement.ValueKind == JsonValueKind.Number
            && data.RootElement.TryGetInt32(out var milliseconds)
            && milliseconds >= 0
        )
            frame.Retry(milliseconds);
        frame.End();
    }
}
