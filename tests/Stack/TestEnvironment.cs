using System.Globalization;

namespace Stack;

/// <summary>Variables of this process, and of all programs that its tests start.</summary>
internal static class TestEnvironment
{
    private const string Memory = "/dev/shm";

    /// <summary>Bytes that must be free: a part of Integration, <c>Integration.Delivery</c>, uses 2 GB.</summary>
    private const long Plenty = 8L << 30;

    public static void Set()
    {
        // Postgres creates some hundred files for each database and each copy of a server. On a disk, that
        // can be a third of a run's processor time.
        if (Environment.GetEnvironmentVariable("TMPDIR") is null && HasMemory())
            Environment.SetEnvironmentVariable("TMPDIR", Memory);
    }

    /// <summary>False in a container with the usual 64 MB, and where memory is scarce.</summary>
    private static bool HasMemory() =>
        Directory.Exists(Memory)
        && new DriveInfo(Memory) is { DriveFormat: "tmpfs", AvailableFreeSpace: > Plenty }
        && AvailableMemory() > Plenty;

    private static long AvailableMemory() =>
        File.ReadLines("/proc/meminfo")
            .Where(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal))
            .Select(line =>
                long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture)
                * 1024
            )
            .FirstOrDefault();
}
