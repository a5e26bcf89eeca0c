using StreamApi.Security.Limits;

namespace Unit.Security;

/// <summary>An option admits the rate that it names, for every valid value.</summary>
public sealed class RateTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(16)]
    [InlineData(19)]
    [InlineData(105)]
    [InlineData(999_999)]
    public void A_bucket_fills_at_the_rate_that_it_is_given(int perSecond)
    {
        var bucket = TokenBuckets.Of(perSecond, burst: perSecond);
        Assert.Equal(perSecond, bucket.TokensPerPeriod / bucket.ReplenishmentPeriod.TotalSeconds, 1e-6);
    }

    /// <summary>A client of many replicas asks each of them rarely: it loses almost every block.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(120)]
    [InlineData(999_999)]
    public void Permits_that_a_replica_takes_and_loses_are_a_twentieth_of_the_limit_at_most(int most)
    {
        var perMinute = SharedLimit.Window(most, TimeSpan.FromMinutes(1));
        Assert.InRange((perMinute.Block - 1) * (TimeSpan.FromMinutes(1) / perMinute.Lifetime), 0, most / 20.0);
        var perSecond = SharedLimit.Bucket(most, 2 * most);
        Assert.InRange((perSecond.Block - 1) * (TimeSpan.FromSeconds(1) / perSecond.Lifetime), 0, most / 20.0);
    }
}
