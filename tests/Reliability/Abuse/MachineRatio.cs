namespace Reliability.Abuse;

/// <summary>
/// The ratio of the regular users' p99 with an abuse and without it, where the abuse is of a program beside the system:
/// the part of it that is the machine's. Measured in the same run as the system's own.
/// </summary>
internal sealed class MachineRatio
{
    private const double Most = 2,
        MostEver = 3,
        Margin = 1.5;

    /// <summary>The measured ratio; null where this run has not measured it.</summary>
    public double? Measured { get; set; }

    /// <summary>The ratio that the system may have: 2, or 1.5 times the machine's where that is more, and never above
    /// 3.</summary>
    public double Allowed => Math.Min(MostEver, Math.Max(Most, Margin * (Measured ?? 0)));
}
