using EventStore;
using Harness;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

public class FilterRingRegistryTests
{
    [Fact]
    public void A_filter_without_readers_is_forgotten_after_its_time_and_no_other()
    {
        var clock = new ManualTime();
        var options = new SseOptions { Writers = 1 };
        var rings = TestRings.Create(options, clock);
        var open = rings.Acquire(Topic("open"));

        for (var i = 0; i < 100; i++)
            rings.Release(rings.Acquire(Topic($"left.t{i}")));

        rings.Sweep();
        // Kept for a client that returns soon.
        Assert.Equal(101, rings.Count);
        clock.Advance(options.IdleRingLifetime);
        rings.Sweep();
        Assert.Equal(1, rings.Count);
        Assert.Same(open, rings.Acquire(Topic("open")));
    }

    [Fact]
    public void Local_events_are_published_only_without_a_gap_and_the_feed_then_skips_them()
    {
        var (rings, ring) = Started();
        Assert.False(rings.TryPublishNext(Commit(12))); // 11 was committed by another replica and is not here yet
        Assert.True(rings.TryPublishNext(new CommittedEvents("e", 10, [Event(11), Event(12)])));
        Assert.False(rings.TryPublishNext(Commit(12)));
        rings.Publish([Event(11), Event(12), Event(13)], 13);
        Assert.Equal([11, 12, 13], Positions(ring));
        Assert.Equal(13, rings.Settled);
    }

    [Fact]
    public void Nothing_is_taken_before_it_is_known_where_the_log_stands()
    {
        var rings = TestRings.Create();
        Assert.False(rings.TryPublishNext(Commit(1)));
    }

    [Fact]
    public void An_event_of_another_epoch_is_not_taken_for_the_next_one()
    {
        var (rings, ring) = Started();
        Assert.False(rings.TryPublishNext(Commit(11, "after a promotion")));
        Assert.Empty(Positions(ring));
    }

    [Fact]
    public void An_epoch_that_shares_every_position_keeps_the_frames_and_continues_with_its_own_ids()
    {
        var (rings, ring) = Started();
        rings.Publish([Event(11), Event(12)], 12);
        var woken = 0;

        rings.Appended += _ => woken++;
        Assert.True(rings.TryContinue(Lineage.Of("e2", [new("e2", "e", 12)])));
        rings.Publish([Event(13)], 13);
        Assert.Equal([11, 12, 13], Positions(ring));
        Assert.Equal(["e", "e", "e2"], ring.ReadAll(0).Select(f => f.Epoch));
        Assert.Equal(("e2", new StreamPosition("e2", 13), 2), (ring.Epoch, rings.Now.Settled, woken));
        Assert.False(rings.TryPublishNext(Commit(14))); // committed by a server that has been replaced
    }

    [Theory]
    [InlineData("e", 11)]
    [InlineData("another", 12)]
    public void An_epoch_without_the_published_events_changes_nothing_by_itself(string parent, long common)
    {
        var (rings, ring) = Started();
        rings.Publish([Event(11), Event(12)], 12);
        Assert.False(rings.TryContinue(Lineage.Of("e2", [new("e2", parent, common)])));
        Assert.Equal((new StreamPosition("e", 12), "e"), (rings.Now.Settled, ring.Epoch));
    }

    [Fact]
    public async Task An_epoch_seen_elsewhere_is_awaited_and_reported_to_the_feed()
    {
        var (rings, _) = Started();
        var doubts = 0;
        rings.Epochs.Doubted += () => doubts++;
        Assert.True(await Waits("e", 60));
        Assert.Equal(0, doubts);
        Assert.False(await Waits("e2", 0));

        var waiting = Waits("e2", 60).AsTask();
        Assert.Equal((1, false), (doubts, waiting.IsCompleted));
        rings.Reset(Lineage.Of("e3", [new("e3", "e2", 5), new("e2", "e", 4)]), 4);
        Assert.True(await waiting);

        ValueTask<bool> Waits(string epoch, int seconds) =>
            rings.Epochs.WaitForAsync(epoch, TimeSpan.FromSeconds(seconds), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Each_event_appears_once_and_in_order_whether_the_commit_or_the_feed_is_first()
    {
        const int Last = 20_010;
        var (rings, ring) = Started();
        var woken = 0;

        rings.Appended += grown =>
        {
            foreach (var _ in grown)
                woken++;
        };

        var own = Task.Run(
            () =>
            {
                while (rings.Settled < Last)
                    rings.TryPublishNext(Commit(rings.Settled + 1));
            },
            TestContext.Current.CancellationToken
        );

        for (long at = 11; at <= Last; at += 5)
            rings.Publish([.. Enumerable.Range(0, 5).Select(i => Event(at + i))], at + 4);

        await own;
        Assert.Equal(Enumerable.Range(11, 20_000).Select(n => (long)n), Positions(ring));
        Assert.InRange(woken, 1, 20_000);
    }

    [Fact]
    public void An_event_without_data_is_a_gap_only_for_matching_filters()
    {
        var (rings, ring) = Started();
        var large = Event(12) with { Data = default };
        rings.Publish([Event(11)], 11);

        var level = ring.Next;
        Assert.True(rings.AnyWantsMore([large]));
        Assert.False(rings.AnyWantsMore([Event(12), large with { Topic = "other" }]));

        // A client has subscribed between the question and this call, so the event came without its data.
        rings.Publish([large, Event(13)], 13);
        Assert.False(ring.TrySeek(11, settled: 100, out _));
        Assert.True(ring.TrySeek(12, settled: 100, out var next));
        Assert.Equal([13], ring.ReadAll(next).Select(f => f.Position));
        // The same for a new filter: it reads what it lacks from the recent events.
        Assert.Null(rings.ReadRecent(Topic("t"), after: 11, "e", most: 1_000));

        var page = rings.ReadRecent(Topic("t"), after: 10, "e", most: 1_000)!;
        Assert.Equal([11], page.Frames.Select(f => f.Position));
        Assert.Equal(11, page.Through);
        Assert.Equal([13], rings.ReadRecent(Topic("t"), after: 12, "e", most: 1_000)!.Frames.Select(f => f.Position));
        Assert.Null(ring.Read(level, new LogFrame[4], 1_000));
        // It was released, and nobody waits for it.
        rings.Release(ring);
        Assert.False(rings.AnyWantsMore([large with { At = new("e", 14), Topic = "t.a" }]));
    }

    [Fact]
    public void Filters_that_share_a_topic_get_its_event_once_with_one_frame_and_one_wake_up()
    {
        var (rings, shared) = WithUsers(count: 500);
        var woken = new List<int>();
        rings.Appended += grown => woken.Add(grown.Distinct().Count() == grown.Count ? grown.Count : -1);
        rings.Publish(
            [
                Event(11) with
                {
                    Topic = "broadcast.all",
                },
                Event(12) with
                {
                    Topic = "broadcast.all",
                },
                Event(13) with
                {
                    Topic = "user.7.x",
                },
            ],
            13
        );
        Assert.Equal([500], woken);

        for (var n = 0; n < shared.Length; n++)
            Assert.Equal(n == 7 ? [11, 12, 13] : [11, 12], Positions(shared[n]));

        Assert.Single(shared.Select(ring => ring.ReadAll(0)[0]).Distinct(ReferenceEqualityComparer.Instance));
    }

    /// <summary>Events for thousands are written in another way than events for few.</summary>
    [Fact]
    public void Only_the_readers_who_get_an_event_are_its_audience_and_each_counts_once()
    {
        var rings = TestRings.Create();
        rings.Reset(Lineage.Alone("e"), 10);
        var reader = rings.Acquire(new StreamFilter(["t", "*", ">"], [], [], NamedFormat.Always));

        for (var n = 0; n < 5_000; n++)
            rings.Acquire(new StreamFilter(["t"], ["other"], [], NamedFormat.Always));

        rings.Publish([Event(11)], 11);
        Assert.Equal([11], Positions(reader));
        Assert.Equal(1, reader.Audience);
    }

    [Fact]
    public void The_rings_of_many_filters_keep_few_events_and_the_recent_events_have_the_rest()
    {
        var (rings, shared) = WithUsers(count: 100);

        for (var i = 0; i < 2_000; i++)
            rings.Publish([Event(rings.Settled + 1) with { Topic = "broadcast.all" }], rings.Settled + 1);

        Assert.InRange(rings.Capacity, 1, 100 * 1_024);

        var before = rings.Settled - 1_500;
        Assert.False(shared[0].TrySeek(before, rings.Settled, out _));
        var page = rings.ReadRecent(shared[0].Filter, before, "e", most: 1_000_000)!;

        Assert.Equal(Enumerable.Range(1, 1_500).Select(i => before + i), page.Frames.Select(f => f.Position));
        Assert.Equal(rings.Settled, page.Through);

        rings.Sweep();
        rings.Sweep();
        Assert.InRange(rings.Capacity, 1, 100 * 8);
    }

    [Fact]
    public void All_rings_together_stay_within_their_limit_even_with_stalled_readers()
    {
        var (rings, _) = WithUsers(count: 100, new SseOptions { Writers = 1, AllRingBytes = 100_000 });
        for (long at = 11; at <= 10_010; at++)
            rings.Publish([Event(at) with { Topic = $"user.{at % 100}.x" }], at);
        rings.Sweep();
        // 257 bytes an event, as they are counted.
        Assert.InRange(rings.Capacity, 300, 1_024);
    }

    [Fact]
    public void A_page_of_recent_events_ends_at_its_byte_limit_and_the_next_continues_there()
    {
        var (rings, ring) = Started();
        rings.Publish([.. Enumerable.Range(11, 300).Select(n => Event(n))], 310);
        var read = new List<long>();
        var after = 10L;
        while (after < 310)
        {
            var page = rings.ReadRecent(ring.Filter, after, "e", most: 500)!;
            Assert.InRange(page.Frames.Count, 1, 50);
            read.AddRange(page.Frames.Select(f => f.Position));
            after = page.Through;
        }

        Assert.Equal(Enumerable.Range(11, 300).Select(n => (long)n), read);
        Assert.Null(rings.ReadRecent(ring.Filter, 9, "e", most: 500)); // before the oldest event that is kept
        Assert.Null(rings.ReadRecent(ring.Filter, 20, "other", most: 500));
        Assert.Null(rings.ReadRecent(ring.Filter, 311, "e", most: 500));
    }

    [Fact]
    public void Events_that_no_filter_needs_are_left_out_and_who_asks_for_them_later_is_not_served_from_memory()
    {
        var rings = TestRings.Create();
        rings.Reset(Lineage.Alone("e"), 10);
        var needed = rings.Acquire(Topic("a.*"));

        rings.Publish([Event(11) with { Topic = "a.1" }], 11);

        Assert.False(rings.TryLeaveOut(Page(11, 13, "b", "a")));
        Assert.False(rings.TryLeaveOut(Page(11, 13) with { FirstTokens = null }));
        Assert.Equal(11, rings.Settled);
        Assert.True(rings.TryLeaveOut(Page(11, 13, "b", "c")));
        Assert.Equal(13, rings.Settled);

        Assert.Equal([11], rings.ReadRecent(needed.Filter, 10, "e", 1_000)!.Frames.Select(f => f.Position));

        foreach (var lacking in (string[])["b", "c.>", ">", "*.1"])
        {
            Assert.Null(rings.ReadRecent(Topic(lacking), 12, "e", 1_000));
            Assert.False(rings.IsRecent(Topic(lacking), 12));
        }

        // After them everything is in memory again.
        rings.Publish([Event(14) with { Topic = "b" }], 14);
        Assert.Equal([14], rings.ReadRecent(Topic("b"), 13, "e", 1_000)!.Frames.Select(f => f.Position));
        Assert.Equal([14], rings.ReadRecent(Topic(">"), 13, "e", 1_000)!.Frames.Select(f => f.Position));
    }

    [Fact]
    public void More_tokens_than_are_remembered_count_as_left_out_together()
    {
        var rings = TestRings.Create();
        rings.Reset(Lineage.Alone("e"), 10);

        for (var position = 11; position <= 20_000; position++)
            Assert.True(rings.TryLeaveOut(Page(position - 1, position, $"t{position}")));

        Assert.False(rings.IsRecent(Topic("never.seen"), 10));
        Assert.False(rings.IsRecent(Topic("t20000"), 19_999));
        Assert.True(rings.IsRecent(Topic("never.seen"), 19_999));
    }

    [Fact]
    public void The_first_token_of_a_filter_is_needed_until_it_is_forgotten()
    {
        var clock = new ManualTime();
        var options = new SseOptions { Writers = 1 };
        var rings = TestRings.Create(options, clock);

        rings.Reset(Lineage.Alone("e"), 10);
        var one = rings.Acquire(Topic("a.1"));
        var same = rings.Acquire(Topic("a.2"));
        var all = rings.Acquire(Topic("*.1"));

        Assert.False(rings.TryLeaveOut(Page(10, 11, "b")));

        Forget(same, all);
        Assert.True(rings.TryLeaveOut(Page(10, 11, "b")));
        Assert.False(rings.TryLeaveOut(Page(11, 12, "a")));

        Forget(one);
        Assert.True(rings.TryLeaveOut(Page(11, 12, "a")));

        void Forget(params FilterRing[] unused)
        {
            foreach (var ring in unused)
                rings.Release(ring);
            clock.Advance(options.IdleRingLifetime);
            rings.Sweep();
        }
    }

    /// <summary>Filters as a notification service has them: each user's own topics, and what goes to all (twice, so
    /// that patterns overlap).</summary>
    private static (FilterRingRegistry, FilterRing[]) WithUsers(int count, SseOptions? options = null)
    {
        var rings = TestRings.Create(options);
        rings.Reset(Lineage.Alone("e"), 10);

        var shared = Enumerable
            .Range(0, count)
            .Select(n =>
                rings.Acquire(
                    new StreamFilter([$"user.{n}.>", "broadcast.>", "broadcast.all"], [], [], NamedFormat.Always)
                )
            )
            .ToArray();
        foreach (var ring in shared)
            ring.Loops[0].Users = 1;

        return (rings, shared);
    }

    private static (FilterRingRegistry, FilterRing) Started()
    {
        var rings = TestRings.Create(new SseOptions { Writers = 1, RingEvents = 100_000 });
        rings.Reset(Lineage.Alone("e"), 10);
        var ring = rings.Acquire(Topic("t"));
        ring.Users = 100_000; // a ring that keeps everything
        return (rings, ring);
    }

    private static IEnumerable<long> Positions(FilterRing ring) => ring.ReadAll(0).Select(f => f.Position);

    /// <summary>A commit of one event.</summary>
    private static CommittedEvents Commit(long position, string epoch = "e") =>
        new(epoch, position - 1, [Event(position)]);

    private static RelayPage Page(long previous, long last, params string[] firstTokens) =>
        new("e", Fence: 1, previous, last, Sent: 1) { FirstTokens = firstTokens };

    private static EventRecord Event(long position) =>
        new()
        {
            At = new StreamPosition("e", position),
            Id = Guid.Empty,
            Topic = "t",
            Type = "n",
            Data = "1"u8.ToArray(),
            Time = DateTimeOffset.UnixEpoch,
        };

    private static StreamFilter Topic(string topic) => new([topic], [], [], NamedFormat.Always);
}
