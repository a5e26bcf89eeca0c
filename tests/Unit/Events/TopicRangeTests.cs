using StreamApi.Events;

namespace Unit.Events;

public class TopicRangeTests
{
    [Theory]
    [InlineData("b.> a.*.x a.b.>", "", "a.|b.")]
    [InlineData("*.x orders.1", "", "")]
    [InlineData("a.1 a.10 a.1.>", "", "a.1!|a.1.|a.10!")]
    [InlineData("a.> b.>", "b.c", "b.c")]
    [InlineData("a b.> ab", "a", "a!|ab!")]
    [InlineData("a", "ab", null)]
    public void Ranges_of_grants_are_in_order_without_overlaps_and_within_the_prefix(
        string grants,
        string prefix,
        string? ranges
    ) =>
        Assert.Equal(
            ranges?.Split('|') ?? [],
            TopicRange.Of(grants.Split(' '), prefix).Select(r => r.Start + (r.IsTopic ? "!" : ""))
        );

    [Theory]
    [InlineData("b.", false, "a.z", true)]
    [InlineData("b.", false, "b.z", true)]
    [InlineData("b.", false, "c", false)]
    [InlineData("b", true, "a", true)]
    [InlineData("b", true, "b", false)]
    public void A_range_goes_beyond_a_topic_that_comes_before_its_end(
        string start,
        bool isTopic,
        string topic,
        bool goesBeyond
    ) => Assert.Equal(goesBeyond, new TopicRange(start, isTopic).GoesBeyond(topic));
}
