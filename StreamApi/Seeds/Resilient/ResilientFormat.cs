using System.Buffers;
using System.Text.Json;
using Streaming.Frames;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Writes unnamed messages, <c>retry: 4000</c> while the source fails, and <c>event: error</c> after the last retry.
/// Past failures of a source that was restarted only tell their position, because they neither end nor delay anything.
/// </summary>
internal sealed class ResilientFormat : NamedFormat
{
    public const string Message = "message",
        Retry = "retry",
        Failed = "failed";

    /// <summary>The frame of <see cref="Failed"/>: the log takes no event with the type of the streams' own.</summary>
    public const string Error = "error";

    private static readonly NamedFormatChoice Formats = FormatsAfter(-1);
    private readonly long _restartedAfter;

    private ResilientFormat(Func<string, bool> isNamed, bool namesInData, long restartedAfter)
        : base(isNamed, namesInData, [Failed], sendsPositions: true) => _restartedAfter = restartedAfter;

    /// <param name="named">The value of <c>?named=</c>.</param>
    /// <param name="restartedAfter">Position through which failures are past
    /// (<see cref="SessionState.RestartedAfter"/>); null: none. Readers with one share no frames.</param>
    public static FrameFormat Of(bool? named, long? restartedAfter) =>
        (restartedAfter is { } position ? FormatsAfter(position) : Formats).For(named);

    public override bool Ends(EventRecord record) => base.Ends(record) && record.Position > _restartedAfter;

    public override void Write(IBufferWriter<byte> output, string id, EventRecord record)
    {
        var isFailure = record.Type is Retry or Failed;
        if (isFailure && record.Position <= _restartedAfter)
        {
            output.Write(ControlFrames.Position(id));
            return;
        }

        if (record.Type != Retry)
        {
            base.Write(output, id, record.Type == Failed ? record with { Type = Error } : record);
            return;
        }

        using var data = JsonDocument.Parse(record.Data);
        int? retry =
            data.RootElement.ValueKind == JsonValueKind.Number
            && data.RootElement.TryGetInt32(out var milliseconds)
            && milliseconds >= 0
                ? milliseconds
                : null;

        output.Write(ControlFrames.Position(id, retry));
    }

    private static NamedFormatChoice FormatsAfter(long restartedAfter) =>
        new((isNamed, namesInData) => new ResilientFormat(isNamed, namesInData, restartedAfter), type => type == Error);
}
