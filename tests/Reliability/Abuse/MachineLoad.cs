using Harness;
using Measuring;

namespace Reliability.Abuse;

/// <summary>CPU time of other processes during a measurement.</summary>
internal sealed record MachineLoad(double Busy, double Own, long At)
{
    public static MachineLoad Begin() =>
        new(
            ProcessStats.MachineBusy(),
            ProcessStats.Cpu(ProcessTable.WithDescendants(Environment.ProcessId)),
            Environment.TickCount64
        );

    /// <summary>The share of all processors that other programs have used since the start: not this process, nor those
    /// that it started.</summary>
    public double ForeignPercent()
    {
        var now = Begin();
        return Math.Max(0, now.Busy - Busy - (now.Own - Own))
            * 100
            / ((now.At - At) / 1_000.0 * Environment.ProcessorCount);
    }
}
