using EventStore;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Replay;
using Unit.Client;

namespace Unit.Streaming;

/// <summary>The events that a connection wants, and the pages that it gets of them.</summary>
public sealed class StreamFilterTests
{
    [Fact]
    public void Connections_that_want_the_same_share_a_log_in_whatever_order_they_name_it()
    {
        var filter = new StreamFilter(["a", "b"], ["x", "y"], ["1", "2"], PlainFormat.Named);
        var same = new StreamFilter(["b", "a", "b"], ["y", "x"], ["2", "1", "1"], PlainFormat.Named);
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
        var filter = new StreamFilter(["a", "b"], [], [], PlainFormat.Named);
        Assert.NotEqual(filter, new StreamFilter(topics, types, keys, PlainFormat.Named));
        Assert.NotEqual(filter, new StreamFilter(["a", "b"], [], [], PlainFormat.Unnamed));
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
        var filter = new StreamFilter(["t"], ["x", "y"], ["1", "2"], PlainFormat.Named);
        Assert.Equal(passes, filter.Passes(LoopStream.Event(1, type, key)));
        Assert.True(new StreamFilter(["t"], [], [], PlainFormat.Named).Passes(LoopStream.Event(1, type, key)));
    }

    [Fact]
    public void The_size_of_a_filter_is_the_tokens_of_all_its_topics() =>
        Assert.Equal(6, new StreamFilter(["a.b.c", "d.>", "e"], [], [], PlainFormat.Named).Tokens);

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
        var filter = new StreamFilter([topic], type is null ? [] : [type], key is null ? [] : [key], PlainFormat.Named);
        Assert.Equal(maySearch, new ReplayRange(filter, 0, newest, null, null, null).MaySearch);
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

    [Theory]
    [InlineData(3, 1_000, 17)]
    [InlineData(100, 5, 15)]
    [InlineData(100, 0, 19)]
    [InlineData(0, 1_000, 20)]
    public void Recent_events_are_kept_by_number_and_by_bytes_the_newest_whatever_its_size(
        int events,
        int bytes,
        long from
    )
    {
        var logs = Logs(
            new StreamingOptions
            {
                Writers = 1,
                RecentEvents = events,
                RecentBytes = bytes,
            }
        );
        logs.Publish([.. Enumerable.Range(11, 10).Select(n => LoopStream.Event(n))], 20);
        var filter = new StreamFilter(["t"], [], [], PlainFormat.Named);
        Assert.Equal((true, false), (logs.IsRecent(filter, from), logs.IsRecent(filter, from - 1)));
        Assert.Null(logs.ReadRecent(filter, from - 1, "e", 1_000));
        Assert.Equal(20 - from, logs.ReadRecent(filter, from, "e", 1_000)!.Frames.Count);
    }

    /// <summary>Their positions may mean other events in the new epoch.</summary>
    [Fact]
    public void Recent_events_of_an_epoch_that_ended_are_forgotten_and_take_no_room_from_new_ones()
    {
        var logs = Logs(new StreamingOptions { Writers = 1, RecentBytes = 5 });
        var filter = new StreamFilter(["t"], [], [], PlainFormat.Named);
        logs.Publish([.. Enumerable.Range(11, 5).Select(n => LoopStream.Event(n))], 15);
        logs.Reset(Lineage.Alone("e2"), 12);
        logs.Publish([.. Enumerable.Range(13, 5).Select(n => LoopStream.Event(n))], 17);
        Assert.Equal((false, true), (logs.IsRecent(filter, 11), logs.IsRecent(filter, 12)));
        Assert.Equal([13, 14, 15, 16, 17], logs.ReadRecent(filter, 12, "e2", 1_000)!.Frames.Select(f => f.Position));
    }

    [Fact]
    public void A_page_of_recent_events_has_only_the_types_and_keys_of_its_filter()
    {
        var logs = Logs(new StreamingOptions { Writers = 1 });
        logs.Publish([LoopStream.Event(11, "x", "1"), LoopStream.Event(12, "y", "1"), LoopStream.Event(13, "x")], 13);
        var page = logs.ReadRecent(new StreamFilter(["t"], ["x"], ["1"], PlainFormat.Named), 10, "e", 1_000)!;
        Assert.Equal([11], page.Frames.Select(f => f.Position));
        Assert.Equal(13, page.Through);
    }

    /// <summary>The feed waits while events are examined.</summary>
    [Fact]
    public void A_page_of_recent_events_examines_a_bounded_number_and_says_how_far_it_came()
    {
        var logs = Logs(new StreamingOptions { Writers = 1, RecentEvents = 20_000 });
        logs.Publish([.. Enumerable.Range(11, 10_000).Select(n => LoopStream.Event(n))], 10_010);
        var page = logs.ReadRecent(new StreamFilter(["other"], [], [], PlainFormat.Named), 10, "e", 1_000)!;
        Assert.Empty(page.Frames);
        Assert.Equal(10 + 8_192, page.Through);
    }

    private static FilterLogs Logs(StreamingOptions options)
    {
        var logs = new FilterLogs(Options.Create(options), Slots.Default, new ManualTime());
        logs.Reset(Lineage.Alone("e"), 10);
        return logs;
    }
}
