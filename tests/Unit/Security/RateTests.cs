using StreamApi.Security.Limits;

namespace Unit.Security;

public sealed class RateTests
{
    /// <summary>A client of many replicas asks each of them rarely: it loses almost every block.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(120)]
    [InlineData(999_999)]
    public void Permits_that_a_replica_takes_and_loses_are_a_twentieth_of_the_limit_at_most(int most)
    {
        var perMinute = RedisRate.Window(most, TimeSpan.FromMinutes(1));
        Assert.InRange((perMinute.Block - 1) * (TimeSpan.FromMinutes(1) / perMinute.Lifetime), 0, most / 20.0);
        var perSecond = RedisRate.Bucket(most, 2 * most);
        Assert.InRange((perSecond.Block - 1) * (TimeSpan.FromSeconds(1) / perSecond.Lifetime), 0, most / 20.0);
    }
}
