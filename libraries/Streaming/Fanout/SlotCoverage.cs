using EventStore;

namespace Streaming.Fanout;

/// <summary>
/// The slots that the filter logs need, and for each slot the newest position whose events this replica did not
/// receive. Guarded by the lock of <see cref="FilterLogs"/>.
/// </summary>
internal sealed class SlotCoverage(int slots)
{
    private readonly int[] _logs = new int[slots];
    private readonly long[] _missedThrough = new long[slots];

    /// <summary>Slots that a filter log needs.</summary>
    public SlotSet Needed
    {
        get
        {
            var needed = new SlotSet(slots);
            for (var slot = 0; slot < slots; slot++)
                if (_logs[slot] > 0)
                    needed.Add(slot);
            return needed;
        }
    }

    /// <summary>Counts a filter log. Returns true if it is the first that needs one of its slots.</summary>
    public bool Add(FilterLog log)
    {
        var isFirst = false;
        foreach (var slot in log.Slots)
            isFirst |= ++_logs[slot] == 1;
        return isFirst;
    }

    /// <summary>Forgets a filter log. Returns true if it was the last that needed one of its slots.</summary>
    public bool Remove(FilterLog log)
    {
        var wasLast = false;
        foreach (var slot in log.Slots)
            wasLast |= --_logs[slot] == 0;
        return wasLast;
    }

    public bool Needs(SlotSet any)
    {
        foreach (var slot in any)
            if (_logs[slot] > 0)
                return true;
        return false;
    }

    public void Miss(SlotSet missing, long through)
    {
        foreach (var slot in missing)
            _missedThrough[slot] = through;
    }

    /// <summary>Returns true if this replica received every event of these slots after
    /// <paramref name="position"/>.</summary>
    public bool Covers(SlotSet wanted, long position)
    {
        foreach (var slot in wanted)
            if (_missedThrough[slot] > position)
                return false;
        return true;
    }

    public void Reset() => Array.Clear(_missedThrough);
}
