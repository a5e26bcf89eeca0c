namespace LoadTests.Running;

/// <summary>What this process itself used, to know whether it is the bottleneck.</summary>
/// <param name="CpuSeconds">User and system.</param>
/// <param name="Received">Events, in the same time.</param>
/// <param name="Seconds">How long.</param>
internal sealed record GeneratorUsage(double CpuSeconds, long Received, double Seconds)
{
    public double MicrosecondsPerEvent => Received == 0 ? 0 : CpuSeconds * 1e6 / Received;
    public double Cores => Seconds > 0 ? CpuSeconds / Seconds : 0;

    public static GeneratorUsage Begin(LoadRun run) => new(Cpu(), run.Received, Now());

    public GeneratorUsage End(LoadRun run) => new(Cpu() - CpuSeconds, run.Received - Received, Now() - Seconds);

    private static double Cpu() => OperatingSystem.IsWindows() || OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() ? Environment.CpuUsage.TotalTime.TotalSeconds : 0;

    private static double Now() => System.Diagnostics.Stopwatch.GetElapsedTime(0).TotalSeconds;
}
