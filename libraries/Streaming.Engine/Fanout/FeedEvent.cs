using Streaming.Frames;

namespace Streaming.Fanout;

/// <summary>An event on its way to the filter rings; each format is serialized once. Thread-safe.</summary>
internal sealed class FeedEvent(string epoch, EventRecord record)
{
    private volatile Made? _made;

    public EventRecord Record => record;

    public LogFrame Frame(FrameFormat format)
    {
        var frame = FrameOf(format.Frames);
        return frame.Ends == format.Ends(record) ? frame : frame with { Ends = !frame.Ends };
    }

    private LogFrame FrameOf(FrameFormat format)
    {
        for (var made = _made; made is not null; made = made.Next)
            if (ReferenceEquals(made.Format, format))
                return made.Frame;

        // Two threads may make the same frame. One copy is then not shared, which is harmless.
        var frame = LogFrame.Of(epoch, record, format);
        _made = new Made(format, frame, _made);
        return frame;
    }

    /// <summary>A linked list: few events have more than one format, and none more than three.</summary>
    private sealed record Made(FrameFormat Format, LogFrame Frame, Made? Next);
}
