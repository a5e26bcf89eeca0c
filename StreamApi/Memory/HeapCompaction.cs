namespace StreamApi.Memory;

/// <summary>
/// Decides when to compact the heap. A burst of connects leaves about 17 kB of garbage per stream and large answers
/// leave hundreds of megabytes, which an idle server never collects.
/// </summary>
/// <param name="streams">Number of new streams after which the heap is compacted; 0: never.</param>
/// <param name="grownBytes">Growth of the process after which the heap is compacted; 0: never.</param>
internal sealed class HeapCompaction(int streams, long grownBytes)
{
    private const int QuietChecks = 2;

    /// <summary>Checks before the first repetition, doubled for each further one.</summary>
    private const int RepeatChecks = 5,
        MaxRepeats = 3;

    /// <summary>Allocations of a quiet server between two checks.</summary>
    private const long QuietBytes = 16L * 1024 * 1024;

    private long _openedBefore;
    private long _openedLast;
    private long _allocatedLast;
    private long _allocatedCollected;
    private long _residentBefore = long.MaxValue;
    private int _quiet;
    private int _repeats;
    private int _collections;

    /// <summary>
    /// Returns true if the heap should be compacted now; call it every few seconds, and <see cref="Done"/> after the
    /// compaction.
    /// </summary>
    /// <param name="opened">Streams opened since the start.</param>
    /// <param name="allocated">Bytes allocated since the start.</param>
    /// <param name="resident">Resident bytes of the process.</param>
    /// <param name="collections">Garbage collections since the start. What was allocated after the last one is no
    /// growth: the next one frees it without a compaction.</param>
    public bool IsDue(long opened, long allocated, long resident, int collections)
    {
        if (collections != _collections)
        {
            _collections = collections;
            _allocatedCollected = allocated;
        }

        _quiet = opened == _openedLast && allocated - _allocatedLast < QuietBytes ? _quiet + 1 : Math.Min(_quiet, 0);
        _openedLast = opened;
        _allocatedLast = allocated;

        // Growth counts from the first quiet time after the start.
        if (_quiet < QuietChecks)
            return false;

        if (_residentBefore == long.MaxValue)
            _residentBefore = resident;

        return (streams > 0 && opened - _openedBefore >= streams)
            || (grownBytes > 0 && resident - _residentBefore - (allocated - _allocatedCollected) >= grownBytes);
    }

    /// <summary>
    /// Notes a compaction; growth counts from here. One that leaves the growth is repeated a few times: the memory was
    /// in use, perhaps by clients that do not read, and nothing else would release it after them.
    /// </summary>
    public void Done(long opened, long resident)
    {
        _openedBefore = opened;
        var remains = grownBytes > 0 && resident - _residentBefore >= grownBytes && _repeats < MaxRepeats;
        if (!remains)
            _residentBefore = resident;
        _quiet = remains ? QuietChecks - (RepeatChecks << _repeats) : 0;
        _repeats = remains ? _repeats + 1 : 0;
    }
}
