using System.Runtime.InteropServices;

namespace Streaming.Fanout;

/// <summary>The first tokens of the topics that filters need, and of the events left out because no filter needed them.
/// Guarded by the lock of <see cref="FilterRingRegistry"/>.</summary>
internal sealed class NeededTokens
{
    /// <summary>Maximum tokens remembered (some 0.4 MB). Beyond it, every token counts as left out up to the newest
    /// event left out.</summary>
    private const int MaxLeftOut = 4_096;

    private readonly Dictionary<string, int> _filters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _leftOut = new(StringComparer.Ordinal);
    private int _filtersOfAll;
    private long _allLeftOut;
    private long _newestLeftOut;

    public void Add(StreamFilter filter) => Count(filter, 1);

    public void Remove(StreamFilter filter) => Count(filter, -1);

    /// <summary>Returns true if a filter may need an event whose topic begins with one of these tokens.</summary>
    public bool AnyOf(IReadOnlyList<string> firstTokens)
    {
        if (_filtersOfAll > 0)
            return true;

        foreach (var token in firstTokens)
            if (_filters.ContainsKey(token))
                return true;

        return false;
    }

    public void LeaveOut(IReadOnlyList<string> firstTokens, long through)
    {
        if (_leftOut.Count + firstTokens.Count > MaxLeftOut)
        {
            _allLeftOut = _newestLeftOut;
            _leftOut.Clear();
        }

        foreach (var token in firstTokens)
            _leftOut[token] = through;

        _newestLeftOut = through;
    }

    /// <summary>Returns true if no event that the filter may need was left out after a position.</summary>
    public bool HasAll(StreamFilter filter, long after)
    {
        if (_newestLeftOut <= after)
            return true;
        if (_allLeftOut > after || filter.FirstTokens is not { } tokens)
            return false;

        foreach (var token in tokens)
            if (_leftOut.TryGetValue(token, out var through) && through > after)
                return false;

        return true;
    }

    public void Reset()
    {
        _leftOut.Clear();
        _allLeftOut = 0;
        _newestLeftOut = 0;
    }

    private void Count(StreamFilter filter, int change)
    {
        if (filter.FirstTokens is not { } tokens)
        {
            _filtersOfAll += change;
            return;
        }

        foreach (var token in tokens)
        {
            ref var filters = ref CollectionsMarshal.GetValueRefOrAddDefault(_filters, token, out _);
            filters += change;
            if (filters == 0)
                _filters.Remove(token);
        }
    }
}
