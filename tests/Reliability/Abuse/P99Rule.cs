namespace Reliability.Abuse;

/// <summary>Bounds of the p99 of regular readers during an abuse, in milliseconds.</summary>
internal static class P99Rule
{
    /// <summary>A regular reader feels more than this, whatever the reason.</summary>
    private const double Most = 50;

    /// <summary>Multiples of the p99 without load, and of that beside a program that only uses as much processor time.
    /// Exceeding one of the two alone says something of the machine, not of the abuse.</summary>
    private const double OfWithout = 2,
        OfBurned = 1.25;

    /// <summary>Returns true if the row is decided by the p99 beside the program that uses processor time.</summary>
    public static bool NeedsBurned(double without, double during) => during > OfWithout * without && during <= Most;

    /// <param name="without">The p99 without load.</param>
    /// <param name="during">The p99 during the abuse.</param>
    /// <param name="burned">The p99 beside such a program, or null if it was not measured.</param>
    public static bool IsWithin(double without, double during, double? burned) =>
        double.IsFinite(during / without)
        && during <= Most
        && (during <= OfWithout * without || during <= OfBurned * burned);
}
