using LoadTests.Loads;

namespace Unit.Load;

public class PublishRateTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(99)]
    [InlineData(101)]
    [InlineData(149)]
    [InlineData(150)]
    [InlineData(349)]
    [InlineData(20_000)]
    public void As_many_events_as_asked_for_are_published(int perSecond) =>
        Assert.InRange(
            PublishLoad.AtRate(perSecond, TimeSpan.FromSeconds(100)).Count,
            99.0 * perSecond,
            100 * perSecond
        );
}
