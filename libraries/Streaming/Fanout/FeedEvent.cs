using EventStore;
using Streaming.Frames;

namespace Streaming.Fanout;

/// <summary>An event on its way to the filter logs; remembers its frames, so that each form is serialized once.
/// Thread-safe.</summary>
internal sealed class FeedEvent(string epoch, EventRecord record)
{
    private volatile Made? _made;

    public EventRecord Record => record;

    public LogFrame Frame(FrameFormat format)
    {
        for (var made = _made; made is not null; made = made.Next)
            if (ReferenceEquals(made.Format, format))
                return made.Frame;
        // Two threads may make the same frame: one of them is then not shared, which is no harm.
        var frame = LogFrame.Of(record, format.Frame(epoch, record), format);
        _made = new Made(format, frame, _made);
        return frame;
    }

    /// <summary>A list, because events of more than one form are rare and of more than three unknown.</summary>
    private sealed record Made(FrameFormat Format, LogFrame Frame, Made? Next);
}
