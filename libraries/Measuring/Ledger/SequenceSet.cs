namespace Measuring.Ledger;

/// <summary>
/// A set of sequence numbers as sorted ranges, so that values in order take almost no memory. Not thread-safe.
/// </summary>
internal sealed class SequenceSet
{
    private readonly List<(long First, long Last)> _ranges = [];

    public IReadOnlyList<(long First, long Last)> Ranges => _ranges;

    public long Max => _ranges.Count == 0 ? 0 : _ranges[^1].Last;

    public bool Contains(long value) =>
        IndexAtOrAfter(value) is var index && index < _ranges.Count && _ranges[index].First <= value;

    public void Add(long first, long last)
    {
        if (first > last)
            return;

        // Merges the ranges that overlap or touch.
        var from = IndexAtOrAfter(first - 1);
        var until = from;
        while (until < _ranges.Count && _ranges[until].First <= last + 1)
        {
            first = Math.Min(first, _ranges[until].First);
            last = Math.Max(last, _ranges[until].Last);
            until++;
        }

        if (until == from)
        {
            _ranges.Insert(from, (first, last));
            return;
        }

        _ranges[from] = (first, last);
        _ranges.RemoveRange(from + 1, until - from - 1);
    }

    public bool Remove(long value)
    {
        var index = IndexAtOrAfter(value);
        if (index == _ranges.Count || _ranges[index].First > value)
            return false;

        var (first, last) = _ranges[index];
        _ranges.RemoveAt(index);

        if (value < last)
            _ranges.Insert(index, (value + 1, last));
        if (first < value)
            _ranges.Insert(index, (first, value - 1));

        return true;
    }

    /// <summary>Returns the part of [first, last] that is in this set.</summary>
    public IEnumerable<(long First, long Last)> Within(long first, long last)
    {
        if (first > last)
            yield break;
        for (var i = IndexAtOrAfter(first); i < _ranges.Count && _ranges[i].First <= last; i++)
            yield return (Math.Max(first, _ranges[i].First), Math.Min(last, _ranges[i].Last));
    }

    /// <summary>Returns the part of [first, last] that is not in this set.</summary>
    public IEnumerable<(long First, long Last)> Outside(long first, long last)
    {
        foreach (var (inFirst, inLast) in Within(first, last))
        {
            if (first < inFirst)
                yield return (first, inFirst - 1);
            first = inLast + 1;
        }
        if (first <= last)
            yield return (first, last);
    }

    /// <summary>Returns the index of the first range that ends at or after the value.</summary>
    private int IndexAtOrAfter(long value)
    {
        if (_ranges.Count == 0 || _ranges[^1].Last < value)
            return _ranges.Count;

        int low = 0,
            high = _ranges.Count - 1;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].Last < value)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
