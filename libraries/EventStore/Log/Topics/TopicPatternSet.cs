namespace EventStore;

/// <summary>The topics and patterns of a filter. Immutable.</summary>
internal sealed class TopicPatternSet
{
    private readonly PatternMap<string> _patterns = new();

    public TopicPatternSet(IEnumerable<string> patterns)
    {
        foreach (var pattern in patterns)
            if (_patterns.Get(pattern) is null)
                _patterns.Add(pattern, pattern);
    }

    /// <summary>Returns true if any of the patterns matches a valid topic.</summary>
    public bool Matches(string topic) => _patterns.Matches(topic);
}
