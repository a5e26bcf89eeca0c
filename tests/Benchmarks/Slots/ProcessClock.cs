using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Benchmarks.Slots;

/// <summary>
/// Reads the CPU clock of another process (clock_getcpuclockid(3)) in nanoseconds. <c>/proc/…/stat</c> counts in 10 ms,
/// too coarse for a process that uses 1 % of a core.
/// </summary>
internal static partial class ProcessClock
{
    private const int CpuClockSched = 2;

    /// <summary>Returns the user and system time of the processes, in seconds.</summary>
    public static double Seconds(IEnumerable<int> processes) => processes.Sum(Seconds);

    private static double Seconds(int process)
    {
        // The clock's number as Linux makes it: ~pid << 3, and CPUCLOCK_SCHED.
        var time = default(Timespec);
        if (GetTime((~process << 3) | CpuClockSched, ref time) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        return time.Seconds + time.Nanoseconds / 1e9;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int GetTime(int clock, ref Timespec time);

    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
