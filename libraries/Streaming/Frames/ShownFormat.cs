using System.Buffers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace Streaming.Frames;

/// <summary>Frames events as a function of the application forms them. A function has one format, so that its streams
/// share frames.</summary>
internal sealed class ShownFormat : FrameFormat
{
    private static readonly ConditionalWeakTable<Func<EventRecord, SseItem<object?>?>, ShownFormat> Formats = [];

    private readonly Func<EventRecord, SseItem<object?>?> _show;

    private ShownFormat(Func<EventRecord, SseItem<object?>?> show) => _show = show;

    public static ShownFormat Of(Func<EventRecord, SseItem<object?>?> show) =>
        Formats.GetValue(show, added => new ShownFormat(added));

    public override void Write(IBufferWriter<byte> output, string id, EventRecord record)
    {
        var frame = new SseFrame(output);
        if (_show(record) is { } item)
            ItemFrames.Write(frame, id, item);
        else
            frame.Id(id).End();
    }
}
