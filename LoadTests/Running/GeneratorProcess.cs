using System.Runtime.InteropServices;

namespace LoadTests.Running;

/// <summary>What this process needs to hold thousands of streams beside the system that it loads.</summary>
internal static partial class GeneratorProcess
{
    /// <summary>Before the first socket.</summary>
    public static void Prepare()
    {
        // An event is handled on the thread that found its socket readable: without the hop to the pool half of the CPU
        // an event. Nothing here
        // blocks such a thread. Read once by the runtime, so whoever starts us may still turn it off.
        if (Environment.GetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS") is null)
            Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
    }

    /// <summary>The number of descriptors that this process may open; unknown where this is not Unix.</summary>
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
        public ulong Soft,
            Hard;
    }

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, out ResourceLimit limit);
}
