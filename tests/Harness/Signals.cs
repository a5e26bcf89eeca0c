using System.Runtime.InteropServices;

namespace Harness;

/// <summary>Signals to processes, as <c>kill(2)</c> of POSIX sends them.</summary>
internal static partial class Signals
{
    public const int Interrupt = 2,
        Quit = 3,
        Kill = 9,
        Terminate = 15;

    public static int Stop => OperatingSystem.IsMacOS() ? 17 : 19;
    public static int Continue => OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>Sends a signal. Returns false if there is no such process.</summary>
    public static bool Send(int pid, int signal) =>
        pid > 1 // 0 and below address a group of processes
        && kill(pid, signal) == 0;

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
