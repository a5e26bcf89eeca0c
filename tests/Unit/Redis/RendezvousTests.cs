using EventStore;

namespace Unit.Redis;

/// <summary>Placement of slots and keys on the Redis servers.</summary>
public class RendezvousTests
{
    private static readonly string[] Servers = ["a:6379", "b:6379", "c:6379", "d:6379"];
    private static readonly string[] Slots = [.. Enumerable.Range(0, 4_096).Select(n => $"aspire-sse:events:{n}")];

    [Fact]
    public void A_server_that_leaves_moves_only_its_own_slots()
    {
        foreach (var left in Servers)
        {
            string[] others = [.. Servers.Where(s => s != left)];
            foreach (var slot in Slots)
                if (Of(Servers, slot) is var before && before != left)
                    Assert.Equal(before, Of(others, slot));
        }
    }

    [Fact]
    public void The_order_in_which_the_servers_are_named_does_not_matter()
    {
        string[] other = [.. Servers.Reverse()];
        Assert.All(Slots, slot => Assert.Equal(Of(Servers, slot), Of(other, slot)));
    }

    [Fact]
    public void Each_server_has_about_as_many_slots_as_the_others()
    {
        var counts = Slots.CountBy(slot => Of(Servers, slot)).Select(c => c.Value).ToList();
        Assert.Equal(4, counts.Count);
        // 1,024 each; four standard deviations are 111.
        Assert.All(counts, count => Assert.InRange(count, 913, 1_135));
    }

    /// <summary>Broadcaster and StreamApi, of different versions and on different machines, must agree.</summary>
    [Theory]
    [InlineData("aspire-sse:events:0", "b:6379")]
    [InlineData("aspire-sse:events:1", "a:6379")]
    [InlineData("aspire-sse:events:limit:ann", "a:6379")]
    public void The_placement_is_the_same_in_every_version(string key, string server) =>
        Assert.Equal(server, Of(Servers, key));

    [Fact]
    public void A_single_server_has_every_slot() =>
        Assert.All(Slots, slot => Assert.Equal("a:6379", Of(["a:6379"], slot)));

    [Theory]
    [InlineData("a:6379;b:6379", "b:6379;a:6379", true)]
    [InlineData("a:6379", "b:6379", true)]
    [InlineData("a:6379;b:6379", "a:6379;c:6379", false)]
    [InlineData("a:6379;b:6379", "a:6379;b:6379;c:6379", false)]
    [InlineData("a:6379;b:6379", "a:6379", false)]
    public void Placements_differ_if_the_names_do_unless_one_server_has_every_key(
        string mine,
        string other,
        bool same
    ) => Assert.Equal(same, Rendezvous.Placement(mine.Split(';')) == Rendezvous.Placement(other.Split(';')));

    private static string Of(string[] servers, string key) =>
        servers[Rendezvous.Choose([.. servers.Select(Rendezvous.Hash)], key)];
}
