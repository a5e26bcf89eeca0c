namespace Core.Streaming;

public class TopicGrantsTests
{
    [Theory]
    [InlineData("orders.42", "orders.42", true)]
    [InlineData("orders.42", "orders.4", false)]
    [InlineData("orders.42", "orders.42.status", false)]
    [InlineData("orders.*", "orders.42", true)]
    [InlineData("orders.*", "orders.*", true)]
    [InlineData("orders.*", "orders.>", false)]
    [InlineData("orders.*", "orders.42.status", false)]
    [InlineData("orders.>", "orders.42.status", true)]
    [InlineData("orders.>", "orders.*.status", true)]
    [InlineData("orders.>", "orders.>", true)]
    [InlineData("orders.>", "orders", false)]
    [InlineData("orders.>", "*.42", false)]
    [InlineData("orders.42", "orders.*", false)]
    [InlineData("*.status", "orders.status", true)]
    [InlineData("*.status", "*.status", true)]
    [InlineData("*", ">", false)]
    [InlineData(">", ">", true)]
    [InlineData(">", "a.b.c", true)]
    [InlineData(">", "$sys.connections", false)]
    [InlineData("*.>", "$sys.connections", false)]
    [InlineData("*", "$sys", false)]
    [InlineData("$sys.>", "$sys.connections", true)]
    [InlineData("$sys.>", "$sys.>", true)]
    [InlineData("$sys.>", "orders.1", false)]
    public void A_grant_covers_a_pattern_only_if_it_covers_all_of_its_topics(string grant, string wanted, bool covered)
    {
        Assert.Equal(covered, new TopicGrants([grant], []).MayRead(wanted));
        Assert.Equal(covered, new TopicGrants([], [grant]).MayPublish(wanted));
        Assert.False(new TopicGrants([], [grant]).MayRead(wanted));
    }

    [Fact]
    public void Two_grants_cover_no_more_than_each() =>
        Assert.False(new TopicGrants(["a.*", "b.*"], []).MayRead("*.x"));

    [Fact]
    public void A_grant_of_everything_excludes_the_systems_topics()
    {
        var grants = new TopicGrants([">"], [">"]);
        Assert.True(grants.MayRead("orders.1") && grants.MayPublish("orders.1"));
        foreach (var topic in (string[])["$sys.connections", "$sys.>"])
            Assert.False(grants.MayRead(topic) || grants.MayPublish(topic), topic);
    }

    [Fact]
    public void A_subscription_without_topics_is_to_all_but_the_systems_for_operators_too()
    {
        Assert.True(TopicGrants.All.MayRead("$sys.connections"));
        Assert.Equal([">"], TopicGrants.All.Readable);
    }

    [Theory]
    [InlineData("a.>", true)]
    [InlineData("$sys.>", true)]
    [InlineData("$sys", true)]
    [InlineData("$system.a", false)]
    [InlineData("a..b", false)]
    [InlineData("a.>.b", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void An_invalid_pattern_grants_nothing(string? text, bool valid) =>
        Assert.Equal(valid, TopicGrants.IsGrant(text));
}
