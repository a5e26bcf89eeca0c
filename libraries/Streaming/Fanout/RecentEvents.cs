using EventStore;

namespace Streaming.Fanout;

/// <summary>
/// The newest events, of all topics, that this replica received. Guarded by the lock of <see cref="FilterLogs"/>,
/// except <see cref="Page"/>.
/// </summary>
internal sealed class RecentEvents(StreamingOptions options)
{
    private const int MostExamined = 8_192;

    private readonly Queue<FeedEvent> _events = [];
    private long _bytes;

    /// <summary>Position after which every received event is kept.</summary>
    public long Base { get; private set; }

    public void Reset(long position)
    {
        _events.Clear();
        (_bytes, Base) = (0, position);
    }

    public void Keep(FeedEvent e)
    {
        _events.Enqueue(e);
        _bytes += e.Record.Data.Length;
        while (_events.Count > options.RecentEvents || (_bytes > options.RecentBytes && _events.Count > 1))
        {
            var oldest = _events.Dequeue().Record;
            _bytes -= oldest.Data.Length;
            Base = oldest.Position;
        }
    }

    /// <summary>Returns the events after a position, and lowers <paramref name="through"/> if there are too
    /// many.</summary>
    public List<FeedEvent> After(long position, ref long through)
    {
        var examined = new List<FeedEvent>();
        foreach (var e in _events)
        {
            if (e.Record.Position <= position)
                continue;
            if (examined.Count == MostExamined)
            {
                through = examined[^1].Record.Position;
                break;
            }
            examined.Add(e);
        }
        return examined;
    }

    /// <summary>
    /// Returns a page of the events that pass the filter, or null if the first of them lacks its data.
    /// </summary>
    public static ReplayPage? Page(
        StreamFilter filter,
        string epoch,
        IReadOnlyList<FeedEvent> events,
        long through,
        int most
    )
    {
        var (topics, frames, bytes) = (new TopicPatternSet(filter.Events.Topics), new List<LogFrame>(), 0L);
        foreach (var e in events)
        {
            if (!topics.Matches(e.Record.Topic) || !filter.Passes(e.Record))
                continue;
            var isLarge = e.Record.Data.IsEmpty;
            if (isLarge && frames.Count == 0)
                return null;
            if (isLarge || bytes > most)
            {
                through = frames[^1].Position;
                break;
            }
            frames.Add(e.Frame(filter.Format));
            bytes += frames[^1].Bytes.Length;
        }
        return new ReplayPage(epoch, 0, frames, through);
    }
}
