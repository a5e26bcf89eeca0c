namespace EventStore;

/// <summary>The topics and patterns of a filter. Immutable.</summary>
public sealed class TopicPatternSet
{
    private readonly PatternMap<string> _patterns = new();

    /// <param name="patterns">Valid topics and patterns.</param>
    public TopicPatternSet(IEnumerable<string> patterns)
    {
        foreach (var pattern in patterns)
            if (_patterns.Get(pattern) is null)
                _patterns.Add(pattern, pattern);
    }

    /// <summary>Returns true if any of the patterns matches the topic.</summary>
    /// <param name="topic">A valid topic; not a pattern.</param>
    public bool Matches(string topic) => _patterns.Matches(topic);
}
