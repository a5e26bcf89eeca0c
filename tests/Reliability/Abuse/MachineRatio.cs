namespace Reliability.Abuse;

/// <summary>
/// The regular users' p99 during an abuse of a bare program beside the system, divided by their p99 without abuse: the
/// machine's part of the slowdown. Measured in the same run as the system's ratio.
/// </summary>
internal sealed class MachineRatio
{
    private const double Most = 2,
        MostEver = 3,
        Margin = 1.5;

    /// <summary>The measured ratio; null if this run has not measured it.</summary>
    public double? Measured { get; set; }

    /// <summary>The ratio that the system may have: 1.5 times the machine's, but at least 2 and at most 3.</summary>
    public double Allowed => Math.Min(MostEver, Math.Max(Most, Margin * (Measured ?? 0)));
}
