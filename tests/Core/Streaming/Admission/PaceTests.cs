using Harness;

namespace Core.Streaming.Admission;

public sealed class PaceTests
{
    private readonly ManualTime _time = new();

    /// <summary>An option admits the rate that it names, for every valid value.</summary>
    [Theory]
    [InlineData(1), InlineData(9), InlineData(16), InlineData(19), InlineData(105), InlineData(999_999)]
    public void A_client_waits_as_long_as_its_rate_says(int perSecond)
    {
        var pace = new Pace<string>(perSecond, burst: perSecond, _time);
        Assert.Equal(TimeSpan.Zero, pace.Charge("ann", perSecond));
        Assert.Equal(10, pace.Charge("ann", 10.0 * perSecond)!.Value.TotalSeconds, 1e-3);
        Assert.Equal(TimeSpan.Zero, pace.Charge("bob", perSecond));

        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, pace.Charge("ann", perSecond)!.Value.TotalSeconds, 1e-3);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-1, 1)]
    [InlineData(double.NaN, 1)]
    [InlineData(1, -1)]
    public void A_rate_that_nobody_could_keep_is_refused(double perSecond, double burst) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Pace<string>(perSecond, burst, _time));

    [Fact]
    public void A_rate_needs_a_clock() =>
        Assert.Throws<ArgumentNullException>("clock", () => new Pace<string>(1, 1, clock: null!));

    [Fact]
    public void A_charge_that_would_wait_too_long_costs_nothing()
    {
        var pace = new Pace<string>(perSecond: 1, burst: 1, _time);
        Assert.Equal(TimeSpan.Zero, pace.Charge("ann", 1));
        Assert.Null(pace.Charge("ann", 3, maxWait: TimeSpan.FromSeconds(2)));
        Assert.Equal(TimeSpan.FromSeconds(2), pace.Charge("ann", 2, maxWait: TimeSpan.FromSeconds(2)));
    }
}
