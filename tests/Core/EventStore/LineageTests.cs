using EventStore;

namespace Core.EventStore;

public class LineageTests
{
    [Fact]
    public void An_id_of_the_epoch_itself_stays_as_it_is()
    {
        var lineage = Lineage.Alone("a");
        Assert.Equal(new StreamPosition("a", 7), lineage.Translate(new("a", 7)));
        Assert.Null(lineage.Translate(new("b", 7)));
        Assert.Null(lineage.SharedWith("a"));
    }

    [Theory]
    [InlineData(10, true)]
    [InlineData(11, false)]
    public void An_id_of_the_parent_is_good_up_to_the_last_common_position(long position, bool isGood)
    {
        var lineage = Lineage.Of("b", [new("b", "a", 10), new("a", null, 0)]);
        Assert.Equal(isGood ? new StreamPosition("b", position) : null, lineage.Translate(new("a", position)));
    }

    /// <summary>c was promoted from a standby that lacked events of b, and of a.</summary>
    [Theory]
    [InlineData("a", 8)]
    [InlineData("b", 8)]
    [InlineData("c", null)]
    public void Along_a_chain_the_least_common_position_counts(string ancestor, int? shared)
    {
        var lineage = Lineage.Of("c", [new("c", "b", 8), new("b", "a", 10), new("a", null, 0)]);
        Assert.Equal(shared, lineage.SharedWith(ancestor));
    }

    [Fact]
    public void Later_epochs_and_those_of_other_lineages_are_unknown()
    {
        EpochRow[] rows = [new("d", "c", 30), new("c", "b", 20), new("b", null, 10), new("a", null, 0)];
        var lineage = Lineage.Of("c", rows);
        Assert.True(lineage.Knows("b"));
        Assert.False(lineage.Knows("d"));
        Assert.False(lineage.Knows("a"));
        Assert.False(Lineage.Of("gone", rows).Knows("b"));
    }

    [Fact]
    public void Rows_that_lead_in_a_circle_end_somewhere() =>
        Assert.Equal(5, Lineage.Of("b", [new("b", "a", 5), new("a", "b", 3), new("b", "a", 1)]).SharedWith("a"));
}
