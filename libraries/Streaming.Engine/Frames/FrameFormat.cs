using System.Buffers;

namespace Streaming.Frames;

/// <summary>Turns events into frames. Connections that have the same instance of a format share frames.</summary>
internal abstract class FrameFormat
{
    /// <exception cref="ArgumentOutOfRangeException">There is no such format.</exception>
    public static FrameFormat Of(EventFormat format) =>
        format switch
        {
            EventFormat.Named => NamedFormat.Always,
            EventFormat.Messages => NamedFormat.Never,
            EventFormat.TypedMessages => NamedFormat.InData,
            EventFormat.Envelope => EnvelopeFormat.Instance,
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format."),
        };

    /// <summary>Writes the frame of an event, or nothing if the format leaves the event out.</summary>
    public abstract void Write(IBufferWriter<byte> output, string id, EventRecord record);

    /// <summary>Returns the id of a place, for a stream of this topic.</summary>
    public virtual string IdOf(StreamPosition at, string topic) => at.ToString();

    /// <summary>True if a function of the application forms the events, for each stream alone.</summary>
    public virtual bool IsShown => false;

    /// <summary>The format under which an event keeps its frame. Formats that differ only in where a stream ends have
    /// the same one, so that an event keeps few frames.</summary>
    public virtual FrameFormat Frames => this;

    /// <summary>Returns true if the stream ends with this event: complete, done, end, a fatal error.</summary>
    public virtual bool Ends(EventRecord record) => false;

    /// <summary>True if a quiet stream also gets ids of other streams' events, to keep up with the head. False for a
    /// run, because its ids must name the run.</summary>
    public virtual bool SendsPositions => true;

    /// <summary>Raised for an event that cannot be framed: the log of an older version may hold such events.</summary>
    public static event Action<EventRecord, Exception>? Unframed;

    /// <summary>Returns the frame, or only the event's position if the format leaves it out or fails: one event cannot
    /// stop a stream, and a frame without bytes would be the chunk that ends the body (RFC 9112 §7.1).</summary>
    public byte[] Frame(string epoch, EventRecord record)
    {
        var output = new ArrayBufferWriter<byte>(record.Data.Length + 128);
        var id = IdOf(new StreamPosition(epoch, record.Position), record.Topic);
        try
        {
            Write(output, id, record);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Unframed?.Invoke(record, error);
            return ControlFrames.Position(id);
        }

        return output.WrittenCount > 0 ? output.WrittenSpan.ToArray() : ControlFrames.Position(id);
    }
}
