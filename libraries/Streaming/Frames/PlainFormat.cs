using System.Buffers;
using EventStore;

namespace Streaming.Frames;

/// <summary>Frames an event as published: its type as <c>event</c>, its data as <c>data</c>.</summary>
internal sealed class PlainFormat : FrameFormat
{
    public static PlainFormat Named { get; } = new(named: true);

    /// <summary>Format for clients that have only <c>onmessage</c>.</summary>
    public static PlainFormat Unnamed { get; } = new(named: false);

    private readonly bool _named;

    private PlainFormat(bool named) => _named = named;

    public override void Write(IBufferWriter<byte> output, string id, EventRecord e)
    {
        var frame = new SseFrame(output).Id(id);
        if (_named)
            frame.Event(e.Type);
        frame.Data(e.Data.Span).End();
    }
}
