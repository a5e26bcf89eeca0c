using EventStore;
using Harness;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Fanout;
using Streaming.Feed;

namespace Core.Streaming;

/// <summary>Rules that the system model does not show: when the feed waits, and what it reports of itself.</summary>
public sealed class FeedCoreTests
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    private readonly ManualTime _clock = new();
    private readonly FilterRingRegistry _rings = TestRings.Create();
    private readonly FeedCore _feed;

    public FeedCoreTests()
    {
        _clock.Advance(Silence); // a time of 0 means that the feed does not wait
        _feed = new FeedCore(_rings, new DirectPages(_rings), Silence, _clock, NullLogger.Instance);
        _feed.Start(Lineage.Alone("e1"), Head("e1", 0), 0);
        _feed.Take(Head("e1", 10), null);
    }

    /// <summary>Waiting for a message again would stop the delivery for that time.</summary>
    [Fact]
    public void Once_messages_are_missing_none_is_waited_for_until_one_comes()
    {
        Assert.Equal(Silence, _feed.TimeLeft);
        _clock.Advance(Silence);
        Assert.Equal(TimeSpan.Zero, _feed.TimeLeft);
        _feed.BeginFollowing();
        _feed.RestartTime();
        Assert.Equal((TimeSpan.Zero, FeedMode.Degraded), (_feed.TimeLeft, _feed.Mode));

        _feed.Take(Heartbeat("e1", 10));
        Assert.Equal((Silence, FeedMode.Live), (_feed.TimeLeft, _feed.Mode));
    }

    /// <summary>Some may be on their way.</summary>
    [Fact]
    public void Events_that_do_not_come_are_read_after_the_second_look_at_the_head()
    {
        Assert.False(_feed.Lacks(Head("e1", 12), new StreamPosition("e1", 10)));
        Assert.True(_feed.Lacks(Head("e1", 12), new StreamPosition("e1", 10)));

        _feed.Take(Head("e1", 12), null);
        Assert.False(_feed.Lacks(Head("e1", 15), new StreamPosition("e1", 12)));
    }

    [Fact]
    public void A_look_that_shows_a_new_epoch_is_a_reason_to_read_and_a_former_one_is_not()
    {
        Assert.True(_feed.Lacks(Head("e2", 10), new StreamPosition("e1", 10)));
        _feed.Take(Head("e2", 10), Lineage.Of("e2", [new("e2", "e1", 10)]));
        Assert.False(_feed.Lacks(Head("e1", 10), new StreamPosition("e2", 10)));
    }

    /// <summary>A store that was made anew counts its leaders from the beginning.</summary>
    [Fact]
    public void The_fence_of_a_former_epoch_keeps_no_leader_of_the_next_one_from_being_heard()
    {
        _feed.Take(Heartbeat("e1", 10) with { Fence = 5 });
        _feed.Take(Heartbeat("e1", 30) with { Fence = 4 }); // of a deposed leader
        Assert.Equal(0, _feed.Lag);

        _feed.Take(Head("e2", 10), Lineage.Of("e2", [new("e2", "e1", 10)]));
        _feed.Take(Heartbeat("e2", 30));
        Assert.Equal(20, _feed.Lag);
    }

    /// <summary>Its new events would have positions that were published already, and reach no open stream.</summary>
    [Fact]
    public void A_head_that_goes_back_within_an_epoch_is_reported_until_it_is_ahead_again()
    {
        _feed.Lacks(Head("e1", 9), new StreamPosition("e1", 10));
        Assert.True(_feed.IsStoreBehind);
        _feed.Take(Head("e1", 9), null); // read after 9
        Assert.True(_feed.IsStoreBehind);

        _feed.Lacks(Head("e1", 10), new StreamPosition("e1", 10));
        Assert.False(_feed.IsStoreBehind);
    }

    [Fact]
    public void A_head_that_was_read_before_later_events_were_published_is_not_behind()
    {
        _feed.Lacks(Head("e1", 9), new StreamPosition("e1", 8));
        Assert.False(_feed.IsStoreBehind);
    }

    [Fact]
    public void The_time_without_events_that_only_the_store_has_ends_with_its_next_page()
    {
        _feed.Take(Heartbeat("e2", 20)); // an epoch that only the store can tell about
        _clock.Advance(Silence);
        Assert.Equal(Silence, _feed.StalledFor);

        Assert.Equal(PageFit.OfFormerPrimary, _feed.Take(Head("e2", 20), null));
        Assert.Equal(Silence, _feed.StalledFor);
        _feed.Take(Head("e1", 10), null);
        Assert.Equal(TimeSpan.Zero, _feed.StalledFor);
    }

    [Fact]
    public void The_lag_counts_the_positions_up_to_the_newest_known_head()
    {
        _feed.Take(Heartbeat("e1", 30));
        Assert.Equal(20, _feed.Lag);
        _feed.Take(Heartbeat("e1", 25)); // of a Broadcaster that is behind
        Assert.Equal(20, _feed.Lag);
        _feed.Take(Head("e1", 30), null);
        Assert.Equal(0, _feed.Lag);
    }

    [Fact]
    public void A_page_that_cannot_be_read_is_refused_and_read_from_the_store()
    {
        using var open = new Opened(_rings);
        var page = Heartbeat("e1", 11) with { Previous = 10, FirstTokens = null, Events = "[{"u8.ToArray() };
        var step = _feed.Take(page);
        Assert.Equal(FeedAct.Refuse, step.Act);
        Assert.NotEmpty(step.Reason);
        Assert.Equal(10, _rings.Settled);
    }

    /// <summary>The read of its large event, given up, had entered that epoch.</summary>
    [Fact]
    public void A_message_is_not_published_in_an_epoch_that_began_after_it()
    {
        using var open = new Opened(_rings);
        var large = LoopStream.Event(11) with { Data = default };
        var page = RelayFormat.Parse(RelayFormat.ToBytes(Heartbeat("e1", 11) with { Previous = 10 }, [large]));
        var step = _feed.Take(page);

        Assert.Equal(FeedAct.ReadLarge, step.Act);

        _feed.Take(Head("e2", 10), Lineage.Of("e2", [new("e2", "e1", 10)]));
        _feed.Publish(page, step.Events!);
        Assert.Equal(new StreamPosition("e2", 10), _rings.Now.Settled);
    }

    private static LogPage Head(string epoch, long head) => new(epoch, head, 0, [], head);

    private static RelayPage Heartbeat(string epoch, long head) => new(epoch, 1, head, head, 1);

    /// <summary>A filter of everything, so that no page is left out.</summary>
    private sealed class Opened(FilterRingRegistry rings) : IDisposable
    {
        private readonly FilterRing _ring = rings.Acquire(
            new StreamFilter([">"], [], [], global::Streaming.Frames.NamedFormat.Always)
        );

        public void Dispose() => rings.Release(_ring);
    }
}
