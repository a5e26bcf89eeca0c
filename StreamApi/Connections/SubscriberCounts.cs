using EventStore;

namespace StreamApi.Connections;

/// <summary>
/// Counts the streams that read a topic. A lookup costs as much as the filters that match besides the most common one.
/// Immutable.
/// </summary>
internal sealed class SubscriberCounts
{
    private readonly PatternMap<Readers> _readers = new();
    private readonly List<int> _streams = [];

    /// <param name="filters">Topics and patterns of each filter, and the number of streams with it.</param>
    public SubscriberCounts(IEnumerable<(IReadOnlyList<string> Topics, int Streams)> filters)
    {
        foreach (var (topics, streams) in filters)
        {
            foreach (var topic in topics)
                if (TopicPattern.IsTopicOrPattern(topic))
                    Add(topic, _streams.Count, streams);
            _streams.Add(streams);
        }
    }

    /// <summary>Returns the number of streams that read a topic; each stream counts once.</summary>
    public int Of(string topic)
    {
        var matching = new List<Readers>();
        _readers.Find(topic, matching);
        if (matching.MaxBy(r => r.Filters.Count) is not { } first)
            return 0;
        var (sum, seen) = (first.Streams, new HashSet<int>());
        foreach (var readers in matching)
        foreach (var filter in readers == first ? [] : readers.Filters)
            if (!first.Filters.Contains(filter) && seen.Add(filter))
                sum += _streams[filter];
        return sum;
    }

    private void Add(string pattern, int filter, int streams)
    {
        if (_readers.Get(pattern) is not { } readers)
            _readers.Add(pattern, readers = new Readers());
        readers.Add(filter, streams);
    }

    /// <summary>Filters with one pattern, and the total of their streams.</summary>
    private sealed class Readers
    {
        public HashSet<int> Filters { get; } = [];
        public int Streams { get; private set; }

        public void Add(int filter, int streams)
        {
            if (Filters.Add(filter))
                Streams += streams;
        }
    }
}
