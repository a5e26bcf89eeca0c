using EventStore;
using Harness;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

/// <summary>The newest events in memory, from which clients resume.</summary>
public sealed class RecentEventsTests
{
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
        var rings = Logs(
            new SseOptions
            {
                Writers = 1,
                RecentEvents = events,
                RecentBytes = bytes,
            }
        );
        rings.Publish([.. Enumerable.Range(11, 10).Select(n => LoopStream.Event(n))], 20);

        var filter = Filter("t");
        Assert.Equal((true, false), (rings.IsRecent(filter, from), rings.IsRecent(filter, from - 1)));
        Assert.Null(rings.ReadRecent(filter, from - 1, "e", 1_000));
        Assert.Equal(20 - from, rings.ReadRecent(filter, from, "e", 1_000)!.Frames.Count);
    }

    /// <summary>Their positions may mean other events in the new epoch.</summary>
    [Fact]
    public void Recent_events_of_an_epoch_that_ended_are_forgotten_and_take_no_room_from_new_ones()
    {
        var rings = Logs(new SseOptions { Writers = 1, RecentBytes = 5 });
        var filter = Filter("t");
        rings.Publish([.. Enumerable.Range(11, 5).Select(n => LoopStream.Event(n))], 15);
        rings.Reset(Lineage.Alone("e2"), 12);
        rings.Publish([.. Enumerable.Range(13, 5).Select(n => LoopStream.Event(n))], 17);
        Assert.Equal((false, true), (rings.IsRecent(filter, 11), rings.IsRecent(filter, 12)));
        Assert.Equal([13, 14, 15, 16, 17], rings.ReadRecent(filter, 12, "e2", 1_000)!.Frames.Select(f => f.Position));
    }

    [Fact]
    public void A_page_of_recent_events_has_only_the_types_and_keys_of_its_filter()
    {
        var rings = Logs(new SseOptions { Writers = 1 });
        rings.Publish([LoopStream.Event(11, "x", "1"), LoopStream.Event(12, "y", "1"), LoopStream.Event(13, "x")], 13);
        var page = rings.ReadRecent(new StreamFilter(["t"], ["x"], ["1"], NamedFormat.Always), 10, "e", 1_000)!;
        Assert.Equal([11], page.Frames.Select(f => f.Position));
        Assert.Equal(13, page.Through);
    }

    /// <summary>The feed waits while events are examined.</summary>
    [Fact]
    public void A_page_of_recent_events_examines_a_bounded_number_and_says_how_far_it_came()
    {
        var rings = Logs(new SseOptions { Writers = 1, RecentEvents = 20_000 });
        rings.Publish([.. Enumerable.Range(11, 10_000).Select(n => LoopStream.Event(n))], 10_010);

        foreach (var (filter, found) in new[] { (Filter("*.other"), 0), (Filter("t"), 8_192) })
        {
            var page = rings.ReadRecent(filter, 10, "e", int.MaxValue)!;
            Assert.Equal((found, 10 + 8_192), (page.Frames.Count, page.Through));
        }
    }

    [Fact]
    public void A_page_for_topics_without_wildcards_does_not_examine_the_events_of_other_topics()
    {
        var rings = Logs(new SseOptions { Writers = 1, RecentEvents = 20_000 });
        rings.Publish(
            [
                .. Enumerable
                    .Range(11, 10_000)
                    .Select(n =>
                        Event(
                            n,
                            n % 1_000 == 0 ? "a"
                                : n % 1_000 == 1 ? "b"
                                : "t"
                        )
                    ),
            ],
            10_010
        );

        var page = rings.ReadRecent(Filter("b", "a", "none"), 10, "e", int.MaxValue)!;
        Assert.Equal(Enumerable.Range(1, 10).SelectMany(n => new long[] { 1_000 * n, 1_000 * n + 1 }), Positions(page));
        Assert.Equal(10_010, page.Through);
    }

    [Fact]
    public void A_page_has_the_topics_events_after_the_position_however_many_have_been_dropped()
    {
        var random = new Random(20261123);
        string[] topics = ["a", "b", "c.d", "c.e"];

        for (var round = 0; round < 200; round++)
        {
            var rings = Logs(new SseOptions { Writers = 1, RecentEvents = random.Next(1, 40) });
            var all = new List<EventRecord>();
            for (var position = 10; all.Count < 60; )
                all.Add(Event(position += random.Next(1, 3), random.GetItems(topics, 1)[0]));

            rings.Publish(all[..30], all[29].Position);

            if (random.Next(4) == 0)
                rings.Reset(Lineage.Alone("e"), all[29].Position);

            rings.Publish(all[30..], all[^1].Position);

            foreach (var wanted in new string[][] { ["a"], ["c.e", "a", "b"], ["c.*"], ["*", "c.d"], ["none"] })
            {
                var filter = Filter(wanted);
                var after = all[random.Next(20, 60)].Position;
                if (!rings.IsRecent(filter, after))
                    continue;

                var patterns = new TopicPatternSet(wanted);
                Assert.Equal(
                    all.Where(e => e.Position > after && patterns.Matches(e.Topic)).Select(e => e.Position),
                    Positions(rings.ReadRecent(filter, after, "e", int.MaxValue)!)
                );
            }
        }
    }

    private static IEnumerable<long> Positions(ReplayPage page) => page.Frames.Select(f => f.Position);

    private static EventRecord Event(long position, string topic) => LoopStream.Event(position) with { Topic = topic };

    private static StreamFilter Filter(params string[] topics) => new(topics, [], [], NamedFormat.Always);

    private static FilterRingRegistry Logs(SseOptions options)
    {
        var rings = TestRings.Create(options, new ManualTime());
        rings.Reset(Lineage.Alone("e"), 10);
        return rings;
    }
}
