using System.Runtime.InteropServices;

namespace Harness;

/// <summary>
/// Reads the CPU clock of another process (clock_getcpuclockid(3)) in nanoseconds. <c>/proc/…/stat</c> counts in 10 ms,
/// too coarse for a process that uses 1 % of a core, and for the sum of Postgres's many sessions.
/// </summary>
internal static partial class ProcessClock
{
    private const int CpuClockSched = 2;

    /// <summary>Returns the user and system time of the process in seconds, or 0 when it is gone.</summary>
    public static double Seconds(int process)
    {
        // The clock's number as Linux makes it: ~pid << 3, and CPUCLOCK_SCHED.
        var time = default(Timespec);

        return GetTime((~process << 3) | CpuClockSched, ref time) == 0 ? time.Seconds + time.Nanoseconds / 1e9 : 0;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, ref Timespec time);

    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
