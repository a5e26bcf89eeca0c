namespace StreamApi.Events;

/// <summary>A range of topics that a client's grants may match.</summary>
/// <param name="Start">The beginning of its topics.</param>
/// <param name="IsTopic">True if the range is this one topic.</param>
internal readonly record struct TopicRange(string Start, bool IsTopic)
{
    /// <summary>The ranges of grants with a prefix, in the order of their topics and without overlaps.</summary>
    public static IEnumerable<TopicRange> Of(IEnumerable<string> grants, string prefix)
    {
        string? covered = null;
        foreach (
            var range in grants.Select(Of).Where(r => r.Meets(prefix)).Select(r => r.Within(prefix)).Order(InOrder)
        )
        {
            if (covered is not null && range.Start.StartsWith(covered, StringComparison.Ordinal))
                continue;
            if (!range.IsTopic)
                covered = range.Start;
            yield return range;
        }
    }

    /// <summary>Returns true if the range may have topics after this one.</summary>
    public bool GoesBeyond(string topic) =>
        string.CompareOrdinal(Start, topic) > 0 || (!IsTopic && topic.StartsWith(Start, StringComparison.Ordinal));

    private static readonly Comparer<TopicRange> InOrder = Comparer<TopicRange>.Create(
        (a, b) => string.CompareOrdinal(a.Start, b.Start)
    );

    private static TopicRange Of(string grant) =>
        TopicPattern.IsPattern(grant) ? new(grant[..grant.IndexOfAny(['*', '>'])], false) : new(grant, true);

    private bool Meets(string prefix) =>
        Start.StartsWith(prefix, StringComparison.Ordinal)
        || (!IsTopic && prefix.StartsWith(Start, StringComparison.Ordinal));

    private TopicRange Within(string prefix) => Start.Length < prefix.Length ? this with { Start = prefix } : this;
}
