using Measuring;

namespace Harness;

/// <summary>CPU time of other programs during a measurement.</summary>
internal sealed record MachineLoad(double Busy, double Own, long At)
{
    public static MachineLoad Begin() =>
        new(
            ProcessStats.MachineBusy(),
            ProcessStats.Cpu(ProcessTable.WithDescendants(Environment.ProcessId)),
            Environment.TickCount64
        );

    /// <summary>The processors that other programs have used since the start: not this process, nor those that it
    /// started.</summary>
    public double ForeignCores()
    {
        var now = Begin();
        return Math.Max(0, now.Busy - Busy - (now.Own - Own)) * 1_000 / (now.At - At);
    }

    /// <summary>The same, as the share of all processors.</summary>
    public double ForeignPercent() => ForeignCores() * 100 / Environment.ProcessorCount;
}
