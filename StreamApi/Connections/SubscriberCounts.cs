namespace StreamApi.Connections;

/// <summary>Counts the streams that read a topic. Streams with equal filters are one filter. Immutable.</summary>
internal sealed class SubscriberCounts
{
    private readonly PatternMap<List<Filter>> _filters = new();

    /// <param name="streams">The topics and patterns of each stream.</param>
    public SubscriberCounts(IEnumerable<IReadOnlyList<string>> streams)
    {
        foreach (var equal in streams.GroupBy(topics => string.Join(' ', topics)))
        {
            var filter = new Filter(equal.Count());
            foreach (var topic in equal.First().Where(TopicPattern.IsTopicOrPattern).Distinct())
            {
                if (_filters.Get(topic) is not { } filters)
                    _filters.Add(topic, filters = []);
                filters.Add(filter);
            }
        }
    }

    /// <summary>Returns the number of streams that read a topic; each stream counts once.</summary>
    public int Of(string topic)
    {
        var found = new List<List<Filter>>();
        _filters.Find(topic, found);
        return found.SelectMany(filters => filters).Distinct().Sum(filter => filter.Streams);
    }

    /// <summary>Compared by reference: the filter of some streams.</summary>
    private sealed class Filter(int streams)
    {
        public int Streams => streams;
    }
}
