using System.Globalization;
using Benchmarks.Measurements;

namespace Benchmarks.Comparison;

/// <summary>Judges one metric of the current build beside the base commit's, of the same rounds.</summary>
internal sealed class Verdict
{
    /// <summary>The most that the current build may cost, × the base, in the median of the rounds.</summary>
    public const double MostRatio = 1.03;

    // The resolution of a difference between two measurements, each of some 100,000 deliveries.
    private const double Nothing = 1;

    private readonly double[] _ratios;

    private Verdict(double[] ratios, string text, bool passed)
    {
        _ratios = ratios;
        Text = text;
        Passed = passed;
    }

    /// <summary>False if the metric is judged and has become worse, or has no value in a round.</summary>
    public bool Passed { get; }

    public string Text { get; }

    /// <summary>The median of the ratios, current to base, and their range.</summary>
    public string Ratio =>
        _ratios.Length == 0 ? "" : $"{Statistics.Median(_ratios):F3} ({_ratios.Min():F3}–{_ratios.Max():F3})";

    /// <param name="metric">The judged metric.</param>
    /// <param name="current">The current build's values, by round.</param>
    /// <param name="base">The base commit's values, by round.</param>
    /// <param name="rounds">The number of rounds, all of which must have a value.</param>
    public static Verdict Of(
        Metric metric,
        IReadOnlyDictionary<int, double> current,
        IReadOnlyDictionary<int, double> @base,
        int rounds
    )
    {
        // Around zero a ratio has no meaning.
        if (metric.Judgement == Judgement.Zero)
            return current.Count < rounds
                ? NotMeasured([])
                : Judged([], Statistics.Median(current.Values) < Nothing, $"< {Nothing} {metric.Unit}");

        var ratios = Statistics.Ratios(current, @base);
        return metric.Judgement switch
        {
            Judgement.None => new Verdict(ratios, "", passed: true),
            _ when ratios.Length < rounds => NotMeasured(ratios),
            Judgement.Cost => Judged(ratios, Statistics.Median(ratios) <= MostRatio, $"≤ {Number(MostRatio)}"),
            _ => Judged(ratios, Statistics.Median(ratios) >= 1 / MostRatio, $"≥ {Number(1 / MostRatio)}"),
        };
    }

    private static Verdict NotMeasured(double[] ratios) =>
        new(ratios, "**failed**: not measured in every round", passed: false);

    private static Verdict Judged(double[] ratios, bool passed, string bound) =>
        new(ratios, $"{(passed ? "passed" : "**failed**")}: {bound}", passed);

    private static string Number(double bound) => bound.ToString("F3", CultureInfo.InvariantCulture);
}
