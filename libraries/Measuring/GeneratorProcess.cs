using System.Runtime.InteropServices;

namespace Measuring;

/// <summary>Prepares this process to hold thousands of streams beside the system under test.</summary>
internal static partial class GeneratorProcess
{
    /// <summary>Sets runtime options; must run before the first socket is created.</summary>
    public static void Prepare()
    {
        // Events are handled on the thread that found their socket readable, which halves the CPU per event; no handler
        // blocks. The runtime reads this once, so a variable that is already set wins.
        if (Environment.GetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS") is null)
            Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
    }

    /// <summary>Returns the maximum of file descriptors that this process may open, or <see cref="long.MaxValue"/> if
    /// it is unknown.</summary>
    public static long DescriptorLimit()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
            return long.MaxValue;
        return getrlimit(OperatingSystem.IsLinux() ? 7 : 8, out var limit) == 0 && limit.Soft < long.MaxValue
            ? (long)limit.Soft
            : long.MaxValue;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, out ResourceLimit limit);
}
