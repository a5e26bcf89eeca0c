namespace Streaming.Connections;

/// <summary>
/// Decides when the heap is compacted. A storm of connects leaves about 17 kB of garbage a stream, and a burst of large
/// answers hundreds of
/// megabytes; an idle server never collects them, for nothing asks for memory.
/// </summary>
/// <param name="streams">New streams that make a storm; 0: none do.</param>
/// <param name="grownBytes">Growth of the process since the last compaction that makes one worth its pause; 0: none
/// does.</param>
internal sealed class HeapCompaction(int streams, long grownBytes)
{
    private const int QuietLooks = 2;

    /// <summary>Allocations between two looks that a quiet server has too.</summary>
    private const long QuietBytes = 48L * 1024 * 1024;

    private long _openedBefore,
        _openedLast,
        _allocatedLast,
        _residentBefore = long.MaxValue;
    private int _quiet;

    /// <summary>Looks at the process, every few seconds. True where the heap should be compacted now; then tell <see
    /// cref="Done"/>.</summary>
    /// <param name="opened">Streams opened since the start.</param>
    /// <param name="allocated">Bytes allocated since the start.</param>
    /// <param name="resident">Bytes of memory that the process has.</param>
    public bool IsDue(long opened, long allocated, long resident)
    {
        _quiet = opened == _openedLast && allocated - _allocatedLast < QuietBytes ? _quiet + 1 : 0;
        (_openedLast, _allocatedLast) = (opened, allocated);
        // The first quiet time after the start is the measure of growth.
        if (_quiet < QuietLooks)
            return false;
        if (_residentBefore == long.MaxValue)
            _residentBefore = resident;
        return (streams > 0 && opened - _openedBefore >= streams)
            || (grownBytes > 0 && resident - _residentBefore >= grownBytes);
    }

    /// <summary>Takes the process as it is after a compaction for the measure of growth.</summary>
    public void Done(long opened, long resident) => (_openedBefore, _residentBefore, _quiet) = (opened, resident, 0);
}
