using Slots = Unit.Streaming.Slots;

namespace Unit.EventStore;

public class TopicSlotsTests
{
    /// <summary>Every service of every version must find the same slots.</summary>
    [Theory]
    [InlineData("orders.42.status", 81)]
    [InlineData("orders", 81)]
    [InlineData("user", 2)]
    public void A_topic_has_the_same_slot_everywhere(string topic, int slot) =>
        Assert.Equal(slot, Slots.Default.Of(topic));

    [Fact]
    public void Only_the_leading_tokens_decide()
    {
        Assert.Equal(Slots.Default.Of("a.b.c"), Slots.Default.Of("a.x"));
        var two = Slots.Of(4_096, 2);
        Assert.Equal(two.Of("a.b.c"), two.Of("a.b"));
        Assert.NotEqual(two.Of("a.b"), two.Of("a.c"));
    }

    [Fact]
    public void Topics_are_spread_over_all_slots()
    {
        var counts = new int[256];
        for (var n = 0; n < 25_600; n++)
            counts[Slots.Default.Of($"room{n}.messages")]++;
        // A hundred each on average; a fair spread stays within six standard deviations.
        Assert.All(counts, count => Assert.InRange(count, 40, 160));
    }

    [Theory]
    [InlineData(1, "a.b", "a")]
    [InlineData(1, "a.>", "a")]
    [InlineData(1, "a.*.c", "a")]
    [InlineData(1, ">", null)]
    [InlineData(1, "*.b", null)]
    [InlineData(2, "a.b.>", "a.b")]
    [InlineData(2, "a", "a")]
    [InlineData(2, "a.>", null)]
    [InlineData(2, "a.*", null)]
    public void A_filter_needs_the_slots_that_it_can_match(int tokens, string pattern, string? topic)
    {
        var slots = Slots.Of(256, tokens);
        var needed = slots.NeededBy([pattern]);
        Assert.Equal(topic is null ? 256 : 1, needed.Count);
        if (topic is not null)
            Assert.True(needed.Contains(slots.Of(topic)));
    }

    [Fact]
    public void A_filter_of_several_topics_needs_the_slots_of_each()
    {
        var needed = Slots.Default.NeededBy(["a.b", "c.>"]);
        Assert.Equal(
            new[] { Slots.Default.Of("a"), Slots.Default.Of("c") }.Order(),
            Enumerable.Range(0, 256).Where(needed.Contains)
        );
        Assert.Equal(256, Slots.Default.NeededBy([]).Count);
    }
}
