namespace Reliability.Abuse;

/// <summary>The limit of a row that is compared with another row, its control: the machine's part of the
/// slowdown.</summary>
/// <param name="Control">Name of the control. It is measured before the row, in the same run.</param>
/// <param name="Margin">The row may have this multiple of the control's ratio.</param>
/// <param name="Most">The row may never have more.</param>
internal sealed record ControlLimit(string Control, double Margin, double Most)
{
    /// <summary>The ratio that every row may have.</summary>
    public const double Least = 2;

    /// <summary>Returns the ratio that the row may have; <see cref="Least"/> if the control was not measured.</summary>
    public double Of(IReadOnlyDictionary<string, double> ratios) =>
        Math.Min(Most, Math.Max(Least, Margin * ratios.GetValueOrDefault(Control)));
}
