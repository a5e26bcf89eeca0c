using System.Buffers;
using EventStore;

namespace Streaming.Frames;

/// <summary>
/// How a stream shows an event. Forms are compared by reference: one instance a form, so that connections of one filter
/// and form share
/// their frames.
/// </summary>
internal abstract class FrameFormat
{
    /// <summary>Writes the frame of one event, id included.</summary>
    public abstract void Write(IBufferWriter<byte> output, string id, EventRecord e);

    /// <summary>Whether the stream ends with this event's frame: <c>complete</c>, <c>done</c>, <c>end</c>, a fatal
    /// error.</summary>
    public virtual bool Ends(EventRecord e) => false;

    /// <summary>
    /// Whether ids between this stream's own events are sent too, so that a quiet stream keeps up with the head. Not
    /// for a run, whose ids
    /// must name it.
    /// </summary>
    public virtual bool SendsPositions => true;

    /// <summary>Told of events that a form cannot show: the log of a former version holds what is refused
    /// today.</summary>
    public static event Action<EventRecord, Exception>? Unshown;

    /// <summary>The event's frame; where the form cannot show it a comment, so that one event stops no
    /// stream.</summary>
    public byte[] Frame(string epoch, EventRecord e)
    {
        var output = new ArrayBufferWriter<byte>(e.Data.Length + 128);
        try
        {
            Write(output, new StreamId(epoch, e.Position).ToString(), e);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Unshown?.Invoke(e, error);
            return LeftOut;
        }
        return output.WrittenSpan.ToArray();
    }

    private static readonly byte[] LeftOut = SseFrame.ToBytes(f =>
        f.Comment("an event that cannot be shown was left out").End()
    );
}

/// <summary>The event as published: its type as <c>event</c>, its data as <c>data</c>.</summary>
internal sealed class PlainFormat : FrameFormat
{
    public static PlainFormat Named { get; } = new(named: true);

    /// <summary>For clients that have only <c>onmessage</c>.</summary>
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

/// <summary>The event with all that is known of it, for dashboards and relays.</summary>
internal sealed class EnvelopeFormat : FrameFormat
{
    public static EnvelopeFormat Instance { get; } = new();

    private EnvelopeFormat() { }

    public override void Write(IBufferWriter<byte> output, string id, EventRecord e) =>
        new SseFrame(output).Id(id).Event(e.Type).Data(EventEnvelope.ToBytes(id, e)).End();
}
