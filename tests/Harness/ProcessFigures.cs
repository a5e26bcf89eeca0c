using System.Globalization;
using Measuring;

namespace Harness;

/// <summary>What <c>/proc</c> says of processes and of the machine.</summary>
internal static class ProcessFigures
{
    /// <summary>User and system time of them all, in seconds, in steps of 10 ms; of their children that have ended
    /// meanwhile, too.</summary>
    public static double Cpu(IEnumerable<int> processes) => processes.Sum(ProcessTable.CpuSeconds);

    /// <summary>Proportional set size: their memory, what they share counted once.</summary>
    public static double MemoryKb(IEnumerable<int> processes) =>
        processes.Sum(pid => (double)Kilobytes($"/proc/{pid}/smaps_rollup", "Pss:"));

    /// <summary>Resident set size: the memory of it that is in RAM, what it shares with others too; 0 where it is
    /// gone.</summary>
    public static double ResidentMegabytes(int process) => Kilobytes($"/proc/{process}/status", "VmRSS:") / 1_024.0;

    /// <summary>Seconds that all processors together were not idle.</summary>
    public static double MachineBusy()
    {
        // cpu user nice system idle iowait irq softirq steal …, 100 a second
        var fields = File.ReadLines("/proc/stat")
            .First()
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9]
            .Select(f => long.Parse(f, CultureInfo.InvariantCulture))
            .ToArray();
        return (fields.Sum() - fields[3] - fields[4]) / 100.0;
    }

    public static string Describe()
    {
        var model =
            File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))
                ?.Split(':')[1]
                .Trim()
            ?? "unknown processor";
        var memory = Kilobytes("/proc/meminfo", "MemTotal:") / 1024 / 1024.0;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{model}, {Environment.ProcessorCount} cores, {memory:F0} GB; "
                + $"{System.Runtime.InteropServices.RuntimeInformation.OSDescription}; .NET "
                + $"{Environment.Version}"
        );
    }

    private static long Kilobytes(string file, string name)
    {
        try
        {
            return long.Parse(
                File.ReadLines(file)
                    .First(l => l.StartsWith(name, StringComparison.Ordinal))
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return 0;
        }
    }
}
