using System.Globalization;
using Measuring;

namespace Harness;

/// <summary>Reads CPU and memory of processes and of the machine from <c>/proc</c>.</summary>
internal static class ProcessStats
{
    /// <summary>Returns the user and system time of all these processes, in seconds, and of their ended children,
    /// accurate to 10 ms.</summary>
    public static double Cpu(IEnumerable<int> processes) =>
        processes.Sum(pid => ProcessClock.Seconds(pid) + ProcessTable.ReapedCpuSeconds(pid));

    /// <summary>Returns the proportional set size: the processes' memory, with shared memory counted once.</summary>
    public static double MemoryKb(IEnumerable<int> processes) =>
        processes.Sum(pid => (double)Kilobytes($"/proc/{pid}/smaps_rollup", "Pss:"));

    /// <summary>Returns the resident set size: the process's memory
    /// in RAM, shared memory included; 0 when it is gone.</summary>
    public static double ResidentMegabytes(int process) => Kilobytes($"/proc/{process}/status", "VmRSS:") / 1_024.0;

    /// <summary>Returns the busy seconds of all processors together.</summary>
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
        var system = System.Runtime.InteropServices.RuntimeInformation.OSDescription;

        return string.Create(
            CultureInfo.InvariantCulture,
            $"{model}, {Environment.ProcessorCount} cores, {memory:F0} GB; {system}; .NET {Environment.Version}"
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
