using Benchmarks.Comparison;
using Benchmarks.Measurements;

namespace Unit.Proofs;

public sealed class VerdictTests
{
    private static readonly Metric Cost = new(nameof(Cost), "µs", Judgement.Cost);
    private static readonly Metric Rate = new(nameof(Rate), "1/s", Judgement.Rate);
    private static readonly Metric Zero = new(nameof(Zero), "B", Judgement.Zero);
    private static readonly Metric Latency = new(nameof(Latency), "ms");

    [Theory]
    [InlineData(1.03, true)]
    [InlineData(1.04, false)]
    public void The_median_of_the_ratios_of_a_cost_is_at_most_the_bound(double median, bool passes)
    {
        // The machine is slower in some rounds, for both. The median of the values would say something else.
        var verdict = Verdict.Of(
            Cost,
            Rounds(median * 10, 30, 0.9 * 20, median * 20, median * 10),
            Rounds(10, 10, 20, 20, 10),
            rounds: 5
        );

        Assert.Equal(passes, verdict.Passed);
        Assert.StartsWith($"{median:F3} (0.900–3.000)", verdict.Ratio, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(Rate), 98, 1, true)]
    [InlineData(nameof(Rate), 96, 1, false)]
    [InlineData(nameof(Rate), 150, 1, true)]
    [InlineData(nameof(Zero), 0.4, 1, true)] // without a ratio: the base has none
    [InlineData(nameof(Zero), -2, 1, true)]
    [InlineData(nameof(Zero), 24, 1, false)]
    [InlineData(nameof(Latency), 10_000, 1, true)] // not judged
    [InlineData(nameof(Cost), 50, 2, false)] // one of two rounds has no value
    [InlineData(nameof(Rate), 100, 2, false)]
    [InlineData(nameof(Zero), 0, 2, false)]
    public void A_metric_is_judged_by_its_kind_and_fails_without_a_value_in_each_round(
        string judged,
        double current,
        int rounds,
        bool passes
    )
    {
        var metric = ((Metric[])[Cost, Rate, Zero, Latency]).Single(m => m.Name == judged);
        Assert.Equal(
            passes,
            Verdict.Of(metric, Rounds(current), Rounds(judged == nameof(Zero) ? 0 : 100), rounds).Passed
        );
    }

    private static Dictionary<int, double> Rounds(params double[] values) =>
        values.Select((value, index) => (value, index)).ToDictionary(v => v.index + 1, v => v.value);
}
