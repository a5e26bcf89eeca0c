using Benchmarks.Comparison;
using Benchmarks.Measurements;

namespace Unit.Proofs;

public sealed class VerdictTests
{
    private static readonly Metric Cost = new("CPU", "µs", Judgement.Cost),
        Rate = new("appended", "1/s", Judgement.Rate),
        Zero = new("allocated", "B", Judgement.Zero),
        Latency = new("p99", "ms");

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
    [InlineData(0.98, true)]
    [InlineData(0.96, false)]
    [InlineData(1.5, true)]
    public void The_median_of_the_ratios_of_a_rate_is_at_least_the_inverse(double ratio, bool passes) =>
        Assert.Equal(passes, Verdict.Of(Rate, Rounds(100 * ratio), Rounds(100), rounds: 1).Passed);

    [Theory]
    [InlineData(0.4, true)]
    [InlineData(-2, true)]
    [InlineData(24, false)]
    public void Bytes_that_must_be_none_are_judged_without_a_ratio(double bytes, bool passes) =>
        Assert.Equal(passes, Verdict.Of(Zero, Rounds(bytes), Rounds(0), rounds: 1).Passed);

    [Theory]
    [InlineData(nameof(Cost))]
    [InlineData(nameof(Rate))]
    [InlineData(nameof(Zero))]
    public void A_round_without_a_value_fails(string judged)
    {
        var metric = judged switch
        {
            nameof(Cost) => Cost,
            nameof(Rate) => Rate,
            _ => Zero,
        };

        Assert.False(Verdict.Of(metric, Rounds(0.5), Rounds(0.5), rounds: 2).Passed);
    }

    [Fact]
    public void Latencies_are_not_judged() =>
        Assert.True(Verdict.Of(Latency, Rounds(100), Rounds(1), rounds: 1).Passed);

    private static Dictionary<int, double> Rounds(params double[] values) =>
        values.Select((value, index) => (value, index)).ToDictionary(v => v.index + 1, v => v.value);
}
