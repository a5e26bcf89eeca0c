using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Replay;

namespace Core.Streaming;

/// <summary>The events that a connection wants, and the pages that it gets of them.</summary>
public sealed class StreamFilterTests
{
    [Fact]
    public void Connections_that_want_the_same_share_a_log_in_whatever_order_they_name_it()
    {
        var filter = new StreamFilter(["a", "b"], ["x", "y"], ["1", "2"], NamedFormat.Always);
        var same = new StreamFilter(["b", "a", "b"], ["y", "x"], ["2", "1", "1"], NamedFormat.Always);
        Assert.Equal(filter, same);
        Assert.Equal(filter.GetHashCode(), same.GetHashCode());
        Assert.Equal(["a", "b"], same.Events.Topics);
    }

    public static TheoryData<string[], string[], string[]> Others =>
        new()
        {
            { ["a"], [], [] },
            { ["a", "b", "c"], [], [] },
            { ["a|1:b"], [], [] },
            { ["a"], ["b"], [] },
            { ["a"], [], ["b"] },
            { ["a", "B"], [], [] },
        };

    [Theory]
    [MemberData(nameof(Others))]
    public void Connections_that_want_something_else_do_not_share_it(string[] topics, string[] types, string[] keys)
    {
        var filter = new StreamFilter(["a", "b"], [], [], NamedFormat.Always);
        Assert.NotEqual(filter, new StreamFilter(topics, types, keys, NamedFormat.Always));
        Assert.NotEqual(filter, new StreamFilter(["a", "b"], [], [], NamedFormat.Never));
        Assert.False(filter.Equals(null));
    }

    [Theory]
    [InlineData("x", "1", true)]
    [InlineData("y", "2", true)]
    [InlineData("z", "1", false)]
    [InlineData("x", "3", false)]
    [InlineData("x", null, false)]
    [InlineData("X", "1", false)]
    public void An_event_passes_with_one_of_the_types_and_one_of_the_keys(string type, string? key, bool passes)
    {
        var filter = new StreamFilter(["t"], ["x", "y"], ["1", "2"], NamedFormat.Always);
        Assert.Equal(passes, filter.Passes(LoopStream.Event(1, type, key)));
        Assert.True(new StreamFilter(["t"], [], [], NamedFormat.Always).Passes(LoopStream.Event(1, type, key)));
    }

    [Fact]
    public void The_size_of_a_filter_is_the_tokens_of_all_its_topics() =>
        Assert.Equal(6, new StreamFilter(["a.b.c", "d.>", "e"], [], [], NamedFormat.Always).Tokens);

    /// <summary>Only such reads share a part of the processors.</summary>
    [Theory]
    [InlineData("orders.1", null, null, false, false)]
    [InlineData(">", null, null, false, false)]
    [InlineData("orders.*", null, null, false, true)]
    [InlineData("orders.>", null, null, false, true)]
    [InlineData("orders.1", "created", null, false, true)]
    [InlineData("orders.1", null, "a", false, true)]
    [InlineData("orders.1", null, null, true, true)]
    public void A_read_may_be_a_search_unless_it_names_its_topics_or_wants_everything(
        string topic,
        string? type,
        string? key,
        bool newest,
        bool maySearch
    )
    {
        var filter = new StreamFilter(
            [topic],
            type is null ? [] : [type],
            key is null ? [] : [key],
            NamedFormat.Always
        );
        Assert.Equal(maySearch, new ReplayRange(filter, 0, newest, IsSmall: false, Through: null).MaySearch);
    }

    [Fact]
    public void The_newest_event_of_each_key_is_kept_in_order_and_the_others_are_one_range()
    {
        var frames = "abacaa".Select((key, i) => new LogFrame(i + 1, [], 0, $"{key}")).ToList();
        var (kept, skipped) = NewestOfEachKey.Of(frames);
        Assert.Equal([2, 4, 6], kept.Select(f => f.Position));
        Assert.Equal(new SkippedRange(1, 5, 3), skipped);
        Assert.Null(NewestOfEachKey.Of(kept).Skipped);
        Assert.Empty(NewestOfEachKey.Of([]).Kept);
    }
}
