namespace Benchmarks.Simulation;

/// <summary>The positions of a channel whose events messages and pages have brought: the truth that a replica's settled
/// position must not exceed.</summary>
internal sealed class ReceivedRanges
{
    // Apart and in order. Without a fault of the protocol there is one.
    private readonly List<(int After, int Through)> _ranges = [];

    /// <summary>Notes that the events after a position through another have come.</summary>
    public void Add(int after, int through)
    {
        if (after >= through)
            return;
        var at = _ranges.FindIndex(r => r.Through >= after);
        if (at < 0)
            at = _ranges.Count;
        while (at < _ranges.Count && _ranges[at].After <= through)
        {
            (after, through) = (Math.Min(after, _ranges[at].After), Math.Max(through, _ranges[at].Through));
            _ranges.RemoveAt(at);
        }
        _ranges.Insert(at, (after, through));
    }

    public bool Has(int position)
    {
        foreach (var (after, through) in _ranges)
            if (position > after && position <= through)
                return true;
        return false;
    }
}
