using System.Runtime.InteropServices;

namespace Streaming.Fanout;

/// <summary>The newest events of all topics; each links to the previous event of its topic, so that a read examines
/// few. Guarded by the lock of <see cref="FilterRingRegistry"/>, except <see cref="Page"/>.</summary>
internal sealed class RecentEvents(SseOptions options)
{
    private const int MostExamined = 8_192;

    /// <summary>Number of each topic's newest event. Events are numbered as they arrive.</summary>
    private readonly Dictionary<string, long> _newest = new(StringComparer.Ordinal);
    private Entry[] _ring = new Entry[16];
    private long _first;
    private long _next;
    private long _bytes;

    /// <summary>Position after which every received event is kept.</summary>
    public long Base { get; private set; }

    public void Reset(long position)
    {
        Array.Clear(_ring);
        _newest.Clear();
        _first = _next;
        _bytes = 0;
        Base = position;
    }

    public void Keep(FeedEvent arrived)
    {
        if (_next - _first == _ring.Length)
            Grow();

        ref var newest = ref CollectionsMarshal.GetValueRefOrAddDefault(_newest, arrived.Record.Topic, out var isKnown);
        At(_next) = new Entry(arrived, isKnown ? newest : -1);
        newest = _next++;
        _bytes += arrived.Record.Data.Length;
        while (_next - _first > options.RecentEvents || (_bytes > options.RecentBytes && _next - _first > 1))
            Forget();
    }

    /// <summary>Returns events that may pass a filter, in order. Lowers <c>through</c> if there are too many.</summary>
    public List<FeedEvent> After(long position, IReadOnlyCollection<string> topics, ref long through) =>
        OfTopics(position, topics) ?? OfAll(position, ref through);

    /// <summary>Returns the topics' events, or null for a pattern, no topics or too many events.</summary>
    private List<FeedEvent>? OfTopics(long position, IReadOnlyCollection<string> topics)
    {
        if (topics.Count == 0 || topics.Any(TopicPattern.IsPattern))
            return null;

        var found = new List<FeedEvent>();
        foreach (var topic in topics)
        {
            if (!_newest.TryGetValue(topic, out var number))
                continue;
            for (; number >= _first && At(number).Event.Record.Position > position; number = At(number).Before)
            {
                if (found.Count == MostExamined)
                    return null;
                found.Add(At(number).Event);
            }
        }

        if (topics.Count == 1)
            found.Reverse();
        else
            found.Sort(static (a, b) => a.Record.Position.CompareTo(b.Record.Position));

        return found;
    }

    private List<FeedEvent> OfAll(long position, ref long through)
    {
        var from = FirstAfter(position);
        var count = (int)Math.Min(_next - from, MostExamined);
        var examined = new List<FeedEvent>(count);

        for (var number = from; number < from + count; number++)
            examined.Add(At(number).Event);
        if (from + count < _next)
            through = examined[^1].Record.Position;

        return examined;
    }

    private long FirstAfter(long position)
    {
        var low = _first;
        var high = _next;
        while (low < high)
        {
            var middle = low + (high - low) / 2;
            if (At(middle).Event.Record.Position > position)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    private void Forget()
    {
        var oldest = At(_first).Event.Record;
        if (_newest.TryGetValue(oldest.Topic, out var newest) && newest == _first)
            _newest.Remove(oldest.Topic);
        At(_first++) = default;
        _bytes -= oldest.Data.Length;
        Base = oldest.Position;
    }

    private void Grow()
    {
        var larger = new Entry[2 * _ring.Length];
        for (var number = _first; number < _next; number++)
            larger[number & (larger.Length - 1)] = At(number);
        _ring = larger;
    }

    private ref Entry At(long number) => ref _ring[number & (_ring.Length - 1)];

    /// <summary>Returns the events that pass the filter, or null if the first of them lacks its data.</summary>
    public static ReplayPage? Page(
        StreamFilter filter,
        string epoch,
        IReadOnlyList<FeedEvent> events,
        long through,
        int most
    )
    {
        var frames = new List<LogFrame>();
        var bytes = 0L;
        foreach (var arrived in events)
        {
            if (!filter.Events.MatchesTopic(arrived.Record.Topic) || !filter.Passes(arrived.Record))
                continue;

            var isLarge = arrived.Record.Data.IsEmpty;
            if (isLarge && frames.Count == 0)
                return null;

            if (isLarge || bytes > most)
            {
                through = frames[^1].Position;
                break;
            }

            frames.Add(arrived.Frame(filter.Format));
            bytes += frames[^1].Size;
        }

        return new ReplayPage(epoch, 0, frames, through);
    }

    /// <param name="Before">Number of the topic's previous event, which may have been dropped, or -1 if there is
    /// none.</param>
    private readonly record struct Entry(FeedEvent Event, long Before);
}
